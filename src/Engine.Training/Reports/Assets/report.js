// Draws the report from the JSON in the page. Everything that is shown is in `data`; see ReportPage.cs for its form.
(() => {
  'use strict';
  const data = JSON.parse(document.getElementById('data').textContent);
  const byId = id => document.getElementById(id);
  const printing = matchMedia('print');
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let forPrint = false;
  const isDark = () => dark.matches && !forPrint;
  const narrow = () => !forPrint && innerWidth < 600;
  // Paper is white whatever the screen is.
  const paper = { ink: '#1c2127', soft: '#5c6670', line: '#dfe3e6', grid: '#eceff1', card: '#ffffff', accent: '#0b6bcb' };
  const colours = () => {
    if (forPrint) return paper;
    const style = getComputedStyle(document.documentElement), get = name => style.getPropertyValue(name).trim();
    return { ink: get('--ink'), soft: get('--soft'), line: get('--line'), grid: get('--grid'), card: get('--card'), accent: get('--accent') };
  };

  // ---- numbers ----
  const decode = text => {
    const raw = atob(text), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new Float32Array(bytes.buffer);
  };
  const number = (x, digits = 3) => {
    if (x == null || Number.isNaN(x)) return '–';
    if (x === 0) return '0';
    const size = Math.abs(x);
    return (size >= 1e5 || size < 1e-3 ? x.toExponential(digits - 1) : Number(x.toPrecision(digits)).toString()).replace('-', '−');
  };
  const percent = (x, digits = 1) => x == null || Number.isNaN(x) ? '–' : (100 * x).toFixed(digits).replace('-', '−') + ' %';
  const escape = text => String(text).replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);

  // ---- quantities of the heat map ----
  const quantities = {
    cosine: { name: 'cos(g, W−W₀)', signed: true, show: x => number(x),
      text: 'Orange: the gradient’s descent points back toward the pre-trained weights (c < 0), and the layer may be projected; blue: it points further away, and the layer is left alone.', low: 'moves out', high: 'points back' },
    condition: { name: 'c', signed: true, flip: true, root: true, show: x => number(x),
      text: 'c = −g·(W−W₀), on a cube-root scale. Orange: c < 0, descent points back toward the pre-trained weights; blue: c > 0.' },
    projected: { name: 'projected', top: 1, show: x => percent(x), text: 'The share of steps in which the layer was pulled toward its pre-trained weights.' },
    ratio: { name: 'r', show: x => number(x), text: 'r: which part of the candidate’s deviation this step added, where c < 0; else 0.' },
    scale: { name: 'λr', show: x => number(x), text: 'λr: which part of the deviation the projection took away; above 1 it passes the pre-trained weights.' },
    deviation: { name: '|W−W₀|', show: x => number(x), text: 'The distance of the layer from its pre-trained weights after the step.' },
  };
  let quantity = 'cosine', run = 0, layer = 0;

  const mix = (stops, t) => {
    const at = Math.min(Math.max(t, 0), 1) * (stops.length - 1), i = Math.min(Math.floor(at), stops.length - 2), f = at - i;
    return [0, 1, 2].map(k => stops[i][k] + f * (stops[i + 1][k] - stops[i][k]));
  };
  const hex = text => [1, 3, 5].map(i => parseInt(text.slice(i, i + 2), 16));
  const palette = signed => (isDark()
    ? signed ? ['#58a6ff', '#1f5c9e', '#1d242b', '#a3580f', '#ffa94d'] : ['#1d242b', '#17506b', '#1f8f98', '#6fd0a5', '#f2f5a9']
    : signed ? ['#0b4f9e', '#6aa9dc', '#f3f4f4', '#f0a352', '#a64b00'] : ['#f1f4f5', '#a5d8d0', '#3fa7b5', '#1b6a94', '#12305e']).map(hex);

  function rangeOf(trace, name) {
    const rule = quantities[name];
    if (trace.ranges[name]) return trace.ranges[name];
    if (rule.top) return trace.ranges[name] = rule.top;
    // Without the few largest: one outlier must not make the rest pale.
    const sizes = [];
    const values = trace.values[name], stride = Math.max(1, Math.floor(values.length / 40000));
    for (let i = 0; i < values.length; i += stride) if (Number.isFinite(values[i])) sizes.push(Math.abs(values[i]));
    sizes.sort((a, b) => a - b);
    const most = sizes.length ? sizes[Math.floor((sizes.length - 1) * (rule.root ? 1 : .995))] : 0;
    return trace.ranges[name] = most || (sizes.length ? sizes[sizes.length - 1] : 0) || 1;
  }

  const place = (rule, value, range) => {
    let t = value / range;
    if (rule.root) t = Math.cbrt(t);
    if (rule.flip) t = -t;
    return rule.signed ? (t + 1) / 2 : t;
  };

  // One pixel a cell; the heat map scales it into its frame.
  function picture(trace, name) {
    const key = name + isDark();
    if (trace.pictures[key]) return trace.pictures[key];
    const rule = quantities[name], range = rangeOf(trace, name), values = trace.values[name], stops = palette(rule.signed);
    const table = new Uint8ClampedArray(256 * 3);
    for (let i = 0; i < 256; i++) table.set(mix(stops, i / 255), 3 * i);
    const none = hex(isDark() ? '#2a323a' : '#dcdfe2');
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [trace.columns, trace.layers.length];
    const context = canvas.getContext('2d'), image = context.createImageData(canvas.width, canvas.height);
    for (let i = 0; i < values.length; i++) {
      const known = !Number.isNaN(values[i]), t = known ? Math.round(255 * Math.min(Math.max(place(rule, values[i], range), 0), 1)) : 0;
      for (let k = 0; k < 3; k++) image.data[4 * i + k] = known ? table[3 * t + k] : none[k];
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    return trace.pictures[key] = canvas;
  }

  // ---- charts ----
  const charts = {};
  const chart = (id, height) => {
    const element = byId(id);
    element.style.height = height + 'px';
    if (!charts[id]) charts[id] = echarts.init(element, null, { renderer: 'canvas' });
    charts[id].resize();
    return charts[id];
  };
  const axis = (name, extra = {}) => {
    const c = colours();
    return { name, nameTextStyle: { color: c.soft, fontSize: 12 }, axisLine: { lineStyle: { color: c.line } }, axisTick: { lineStyle: { color: c.line } },
      axisLabel: { color: c.soft, fontSize: 12, hideOverlap: true }, splitLine: { lineStyle: { color: c.grid } }, ...extra };
  };
  const xName = { nameLocation: 'middle', nameGap: 28 };
  const series = () => isDark() ? ['#6cb2ff', '#ffa94d', '#5fd0a5', '#d39bff', '#ff8f8f', '#c9d14e', '#7fdce6'] : ['#0b6bcb', '#c2570c', '#13855b', '#7b3fb5', '#c02f3b', '#7c7a10', '#0c7f8c'];
  const tooltip = () => { const c = colours(); return { backgroundColor: c.card, borderColor: c.line, textStyle: { color: c.ink, fontSize: 12 }, confine: true }; };
  const legend = extra => { const c = colours(); return { type: 'plain', textStyle: { color: c.ink, fontSize: 12 }, inactiveColor: c.line, itemWidth: 18, itemGap: 12, left: 0, top: 0, ...extra }; };

  // "blocks.3" of "blocks.3.attn.qkv.weight": the rows of one block share a label.
  const groupOf = name => { const m = name.match(/^.*?\d+(?=\.|$)/); return m ? m[0] : name.split('.')[0]; };
  function rowLabels(layers, full, room = 1) {
    if (full) return layers;
    const labels = layers.map(() => '');
    let last = -room;
    for (let i = 0; i < layers.length;) {
      let end = i;
      while (end < layers.length && groupOf(layers[end]) === groupOf(layers[i])) end++;
      const middle = (i + end - 1) >> 1;
      if (middle - last >= room) labels[last = middle] = groupOf(layers[i]);
      i = end;
    }
    return labels;
  }

  const stepOf = (trace, column) => trace.first + column * trace.per;
  const stepText = (trace, column) => {
    const from = stepOf(trace, column), to = Math.min(from + trace.per, trace.first + trace.steps) - 1;
    return from === to ? `step ${from}` : `steps ${from}–${to}`;
  };

  function drawHeat(trace) {
    const c = colours(), rows = trace.layers.length, full = !narrow() && rows <= 44;
    const row = forPrint ? Math.min(12, 520 / rows) : full ? 15 : Math.max(4, Math.min(15, 560 / rows)), top = 8, bottom = forPrint ? 46 : 92;
    const labels = rowLabels(trace.layers, full, 14 / row), longest = Math.max(...labels.map(l => l.length));
    const left = Math.min(narrow() ? 104 : 260, 14 + longest * (full ? 6.3 : 6.8)), size = full && row < 13 ? 9 : 11;
    const view = chart('heat-chart', Math.max(rows * row, 60) + top + bottom), end = trace.first + trace.steps;
    const canvas = picture(trace, quantity), scratch = document.createElement('canvas');
    view.setOption({
      animation: false,
      grid: { left, right: 10, top, bottom },
      xAxis: { ...axis('step', xName), type: 'value', min: trace.first, max: end, minInterval: 1, splitLine: { show: false } },
      yAxis: { type: 'category', inverse: true, data: labels.map((l, i) => i), axisLine: { show: false }, axisTick: { show: false }, splitLine: { show: false },
        axisLabel: { interval: i => labels[i] !== '', formatter: i => labels[i], color: c.soft, fontSize: size, width: left - 12, overflow: 'truncate', hideOverlap: !full } },
      dataZoom: forPrint ? [] : [
        { type: 'slider', xAxisIndex: 0, bottom: 10, height: 26, filterMode: 'none', borderColor: c.line, textStyle: { color: c.soft }, fillerColor: isDark() ? 'rgba(108,178,255,.18)' : 'rgba(11,107,203,.13)',
          handleStyle: { color: c.card, borderColor: c.accent }, moveHandleStyle: { color: c.accent, opacity: .5 }, dataBackground: { lineStyle: { opacity: 0 }, areaStyle: { opacity: 0 } }, labelFormatter: v => String(Math.round(v)) },
        { type: 'inside', xAxisIndex: 0, filterMode: 'none', zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false }],
      series: [{
        type: 'custom', coordinateSystem: 'cartesian2d', clip: true, silent: true, data: [[trace.first, 0]], encode: { x: 0, y: 1 },
        renderItem: (params, api) => {
          const frame = params.coordSys, a = api.coord([trace.first, 0]), b = api.coord([end, rows - 1]), cell = api.size([0, 1])[1];
          const wide = b[0] - a[0], from = Math.max(0, (frame.x - a[0]) / wide), to = Math.min(1, (frame.x + frame.width - a[0]) / wide);
          const ratio = devicePixelRatio || 1, seen = (to - from) * trace.steps / trace.per;
          [scratch.width, scratch.height] = [Math.max(1, Math.round(frame.width * ratio)), Math.max(1, Math.round(frame.height * ratio))];
          const context = scratch.getContext('2d');
          context.imageSmoothingEnabled = seen > scratch.width;
          context.drawImage(canvas, from * trace.steps / trace.per, 0, seen, rows, 0, 0, scratch.width, scratch.height);
          const y = a[1] - cell / 2 + layer * cell;
          return { type: 'group', children: [
            { type: 'image', style: { image: scratch, x: frame.x, y: frame.y, width: frame.width, height: frame.height } },
            { type: 'rect', shape: { x: frame.x + .75, y: y - .5, width: frame.width - 1.5, height: Math.max(cell + 1, 3) }, style: { fill: 'none', stroke: c.ink, lineWidth: 1.5 } }] };
        },
      }],
    }, { replaceMerge: ['dataZoom'] });
    view.off('datazoom');
    drawScale(trace);
  }

  function drawScale(trace) {
    const rule = quantities[quantity], range = rangeOf(trace, quantity), context = byId('scale').getContext('2d'), stops = palette(rule.signed);
    for (let i = 0; i < 256; i++) { context.fillStyle = `rgb(${mix(stops, i / 255).map(Math.round)})`; context.fillRect(i, 0, 1, 1); }
    const [low, high] = !rule.signed ? [0, range] : rule.flip ? [range, -range] : [-range, range];
    byId('scale-low').textContent = rule.show(low) + (rule.low ? ` (${rule.low})` : '');
    byId('scale-high').textContent = rule.show(high) + (rule.high ? ` (${rule.high})` : '');
    byId('quantity-text').textContent = rule.text;
  }

  function cellAt(event) {
    const trace = data.runs[run].trace, view = charts['heat-chart'];
    if (!trace || !view || !view.containPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY])) return null;
    const [step, index] = view.convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY]);
    const column = Math.floor((step - trace.first) / trace.per);
    return column >= 0 && column < trace.columns && index >= 0 && index < trace.layers.length ? { trace, column, index } : null;
  }

  function listen() {
    const zr = charts['heat-chart'].getZr(), tip = byId('tip');
    zr.on('mousemove', event => {
      const cell = cellAt(event);
      tip.hidden = !cell;
      if (!cell) return;
      const at = cell.index * cell.trace.columns + cell.column;
      tip.innerHTML = `<b>${escape(cell.trace.layers[cell.index])}</b><br>${stepText(cell.trace, cell.column)}<br>` +
        Object.entries(quantities).map(([name, rule]) => `${rule.name}: ${rule.show(cell.trace.values[name][at])}`).join('<br>');
      const box = byId('heat-chart').getBoundingClientRect();
      const x = box.left + event.offsetX, wide = tip.offsetWidth;
      tip.style.left = Math.max(6, (x + 18 + wide > innerWidth ? x - wide - 14 : x + 18)) + scrollX + 'px';
      tip.style.top = box.top + event.offsetY + 14 + scrollY + 'px';
    });
    zr.on('globalout', () => { tip.hidden = true; });
    zr.on('click', event => { const cell = cellAt(event); if (cell) choose(cell.index); });
  }

  function choose(index) {
    layer = index;
    byId('layer-choice').value = String(index);
    const trace = data.runs[run].trace;
    drawHeat(trace);
    drawLayer(trace);
  }

  function drawLayer(trace) {
    const names = ['deviation', 'cosine', 'scale'], titles = ['|W − W₀|', 'cos(g, W − W₀)', 'λr'], tints = series(), c = colours();
    byId('layer-name').textContent = trace.layers[layer];
    const height = forPrint ? 90 : 112, gap = 44;
    const view = chart('layer-chart', names.length * (height + gap) + 24), x = Array.from({ length: trace.columns }, (_, i) => stepOf(trace, i) + (trace.per - 1) / 2);
    view.setOption({
      animation: false,
      tooltip: { ...tooltip(), trigger: 'axis', formatter: points => `${stepText(trace, points[0].dataIndex)}<br>` + points.map(p => `${p.marker}${p.seriesName}: ${number(p.value[1])}`).join('<br>') },
      axisPointer: { link: [{ xAxisIndex: 'all' }], lineStyle: { color: c.soft } },
      grid: names.map((_, i) => ({ left: 62, right: 14, top: 28 + i * (height + gap), height })),
      xAxis: names.map((_, i) => axis(i === 2 ? 'step' : '', { ...xName, gridIndex: i, type: 'value', min: trace.first, max: trace.first + trace.steps - 1, splitLine: { show: false }, axisLabel: { show: i === 2, color: c.soft, hideOverlap: true } })),
      yAxis: names.map((_, i) => axis(titles[i], { gridIndex: i, type: 'value', splitNumber: 3, scale: i === 0, nameTextStyle: { color: c.ink, align: 'left', padding: [0, 0, 0, -50], fontSize: 12 },
        axisLabel: { color: c.soft, fontSize: 11, formatter: v => number(v, 5) } })),
      series: names.map((name, i) => ({ name: titles[i], type: 'line', xAxisIndex: i, yAxisIndex: i, showSymbol: false, lineStyle: { width: 1.4 }, color: [tints[0], tints[1], tints[2]][i], step: false,
        areaStyle: i === 2 ? { opacity: .25 } : undefined, data: x.map((step, k) => [step, trace.values[name][layer * trace.columns + k]]),
        markLine: i === 1 ? { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: c.soft, type: 'solid', width: 1 }, data: [{ yAxis: 0 }] } : undefined })),
    }, { notMerge: true });
  }

  function drawShare(trace) {
    const c = colours(), groups = [...new Set(trace.layers.map(groupOf))], tints = series();
    const view = chart('share-chart', 300), labels = rowLabels(trace.layers, false, 15 * trace.layers.length / byId('share-chart').clientWidth);
    view.setOption({
      animation: false,
      tooltip: { ...tooltip(), trigger: 'axis', axisPointer: { type: 'shadow' }, formatter: p => `<b>${escape(trace.layers[p[0].dataIndex])}</b><br>projected in ${percent(p[0].value)} of the steps` },
      grid: { left: 48, right: 10, top: 18, bottom: 54 },
      xAxis: { ...axis(narrow() ? 'layer, first to last' : '', { nameLocation: 'middle', nameGap: 34 }), type: 'category', data: trace.layers, axisTick: { show: false },
        axisLabel: { color: c.soft, fontSize: 11, interval: i => labels[i] !== '', formatter: (_, i) => labels[i], hideOverlap: true, rotate: narrow() || groups.length > 9 ? 40 : 0 } },
      yAxis: axis('', { type: 'value', min: 0, axisLabel: { color: c.soft, formatter: v => +(100 * v).toFixed(2) + ' %' } }),
      // Blocks take turns in two shades, so that depth can be read.
      series: [{ type: 'bar', barCategoryGap: '12%', data: trace.share.map((s, i) => ({ value: s, itemStyle: { color: tints[0], opacity: groups.indexOf(groupOf(trace.layers[i])) % 2 ? .55 : 1 } })) }],
    }, { notMerge: true });
  }

  function drawLoss() {
    const c = colours(), tints = series(), lines = data.runs.flatMap((r, i) => r.curves.filter(curve => data.runs.length === 1 || i === run || curve.loss.length).map(curve => ({ ...curve, label: (data.runs.length > 1 ? r.name + (r.curves.length > 1 ? ': ' : '') : '') + (data.runs.length > 1 && r.curves.length === 1 ? '' : curve.name) })));
    byId('loss').hidden = !lines.length;
    if (!lines.length) return;
    const all = [];
    lines.forEach((curve, i) => {
      all.push({ name: curve.label, type: 'line', symbol: 'none', color: tints[i % tints.length], lineStyle: { width: 1.6 }, data: curve.step.map((s, k) => [s, curve.loss[k]]) });
      if (curve.validation.length) all.push({ name: curve.label + ', validation', type: 'scatter', color: tints[i % tints.length], symbolSize: 8,
        data: curve.validation.map(v => ({ value: [v.step, v.loss], text: v.summary })) });
    });
    const rows = Math.ceil(all.length / (narrow() ? 1 : 3)), space = all.length > 1 ? 12 + 24 * Math.min(rows, 6) : 12;
    const view = chart('loss-chart', 270 + space);
    view.setOption({
      animation: false,
      tooltip: { ...tooltip(), trigger: 'item', axisPointer: { type: 'cross' }, formatter: p => `${escape(p.seriesName)}<br>step ${p.value[0]}<br>loss ${number(p.value[1], 4)}${p.data.text ? '<br>' + escape(p.data.text) : ''}` },
      legend: all.length > 1 ? legend({ type: rows > 6 ? 'scroll' : 'plain', orient: narrow() ? 'vertical' : 'horizontal' }) : { show: false },
      grid: { left: 48, right: 14, top: 14 + space, bottom: 44 },
      xAxis: axis('step', { ...xName, type: 'value', splitLine: { show: false }, max: 'dataMax' }),
      yAxis: axis('loss', { type: 'value', scale: true, nameTextStyle: { color: c.soft, align: 'left', padding: [0, 0, 0, -38] } }),
      series: all,
    }, { notMerge: true });
  }

  // ---- results of compared methods ----
  const methods = () => [...new Set(data.results.runs.map(r => r.method))];
  const knobText = r => r.knob ? `${r.knob} ${number(r.value)}` : '';
  const pointText = r => `<b>${escape(r.method)}</b> ${escape(knobText(r))}${r.seed ? `<br>seed ${r.seed}` : ''}<br>in distribution ${percent(r.id)}<br>out of distribution ${percent(r.ood)}<br>deviation ${number(r.deviation)}`;
  const symbols = ['circle', 'rect', 'triangle', 'diamond', 'roundRect', 'pin', 'arrow'];

  // The mean over the seeds of each value of the knob, in the knob's order.
  function means(runs) {
    const groups = new Map();
    for (const r of runs) { const key = String(r.value); groups.set(key, [...(groups.get(key) || []), r]); }
    return [...groups.values()].map(g => ({ ...g[0], seed: g.length === 1 ? g[0].seed : null, id: g.reduce((s, r) => s + r.id, 0) / g.length, ood: g.reduce((s, r) => s + r.ood, 0) / g.length, deviation: g.reduce((s, r) => s + r.deviation, 0) / g.length, count: g.length }))
      .sort((a, b) => (a.value ?? 0) - (b.value ?? 0));
  }

  function drawTradeoff() {
    const results = data.results, c = colours(), tints = series(), all = [];
    byId('tradeoff-text').textContent = `Accuracy on ${results.domain}, which was fine-tuned on, against the mean over the ${results.others.length} other domain${results.others.length === 1 ? '' : 's'} (${results.others.join(', ')}). Small marks are single seeds, large ones their means.`;
    methods().forEach((method, i) => {
      const runs = results.runs.filter(r => r.method === method), centre = means(runs), colour = tints[i % tints.length], symbol = symbols[i % symbols.length];
      const value = r => ({ value: [100 * r.id, 100 * r.ood], run: r });
      if (centre.length > 1) all.push({ name: method, type: 'line', color: colour, symbol, symbolSize: 9, lineStyle: { width: 1.5 }, data: centre.map(value) });
      else all.push({ name: method, type: 'scatter', color: colour, symbol, symbolSize: 13, data: centre.map(value) });
      if (runs.length > centre.length) all.push({ name: method, type: 'scatter', color: colour, symbol, symbolSize: 6, itemStyle: { opacity: .45 }, data: runs.map(value) });
    });
    if (results.pretrained) all.push({ name: 'pre-trained', type: 'scatter', color: c.ink, symbol: 'circle', symbolSize: 11, itemStyle: { color: c.card, borderColor: c.ink, borderWidth: 2 }, data: [{ value: [100 * results.pretrained.id, 100 * results.pretrained.ood], run: { method: 'pre-trained', ...results.pretrained, deviation: 0 } }] });
    const names = [...new Set(all.map(s => s.name))], space = 26 * Math.ceil(names.length / (narrow() ? 2.4 : 6)) + 10;
    const view = chart('tradeoff-chart', (narrow() ? 300 : 380) + space);
    view.setOption({
      animation: false,
      tooltip: { ...tooltip(), trigger: 'item', formatter: p => pointText(p.data.run) },
      legend: legend({ data: names }),
      grid: { left: 54, right: 18, top: space + 22, bottom: 46 },
      xAxis: axis('accuracy in distribution, %', { ...xName, type: 'value', scale: true }),
      yAxis: axis('accuracy out of distribution, %', { type: 'value', scale: true, nameTextStyle: { color: c.soft, align: 'left', padding: [0, 0, 0, -44] } }),
      series: all,
    }, { notMerge: true });
  }

  function drawDeviation() {
    const results = data.results, c = colours(), tints = series(), all = [];
    methods().forEach((method, i) => {
      const runs = results.runs.filter(r => r.method === method), colour = tints[i % tints.length], symbol = symbols[i % symbols.length];
      all.push({ name: method, type: 'scatter', color: colour, symbol, symbolSize: 11, data: runs.map(r => ({ value: [r.deviation, 100 * r.id], run: r })) });
      all.push({ name: method, type: 'scatter', color: colour, symbol, symbolSize: 10, itemStyle: { color: c.card, borderColor: colour, borderWidth: 2 }, data: runs.map(r => ({ value: [r.deviation, 100 * r.ood], run: r })) });
    });
    if (results.pretrained) for (const key of ['id', 'ood']) all.push({ name: 'pre-trained', type: 'scatter', color: c.ink, symbol: 'circle', symbolSize: 10, itemStyle: { color: key === 'id' ? c.ink : c.card, borderColor: c.ink, borderWidth: 2 },
      data: [{ value: [0, 100 * results.pretrained[key]], run: { method: 'pre-trained', ...results.pretrained, deviation: 0 } }] });
    const names = [...new Set(all.map(s => s.name))], space = 26 * Math.ceil(names.length / (narrow() ? 2.4 : 6)) + 10;
    const view = chart('deviation-chart', (narrow() ? 280 : 350) + space);
    view.setOption({
      animation: false,
      tooltip: { ...tooltip(), trigger: 'item', formatter: p => pointText(p.data.run) },
      legend: legend({ data: names }),
      grid: { left: 54, right: 18, top: space + 22, bottom: 46 },
      xAxis: axis('deviation |W − W₀|', { ...xName, type: 'value', min: 0 }),
      yAxis: axis('accuracy, %', { type: 'value', scale: true, nameTextStyle: { color: c.soft, align: 'left', padding: [0, 0, 0, -44] } }),
      series: all,
    }, { notMerge: true });
  }

  function fillResults() {
    const results = data.results, head = ['method', 'knob', 'seed', `${results.domain} (ID), %`, ...results.others.map(o => o + ', %'), 'OOD mean, %', 'deviation', 'projected'];
    const order = methods(), sorted = [...results.runs].sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method) || (a.value ?? 0) - (b.value ?? 0) || (a.seed ?? 0) - (b.seed ?? 0));
    const cells = r => [r.method, knobText(r), r.seed ?? '', ...[r.id, ...results.others.map(o => r.accuracy[o]), r.ood].map(x => x == null ? '–' : (100 * x).toFixed(1)), number(r.deviation ?? 0), r.projected == null ? '–' : percent(r.projected)];
    const line = (values, tag, kind = '') => `<tr class="${kind}">${values.map((v, i) => `<${tag} class="${i > 1 ? 'number' : ''}">${escape(v)}</${tag}>`).join('')}</tr>`;
    byId('results-table').innerHTML = line(head, 'th') + (results.pretrained ? line(cells({ method: 'pre-trained', ...results.pretrained }), 'td', 'pretrained') : '') + sorted.map(r => line(cells(r), 'td')).join('');
  }

  // ---- the page ----
  function fillText() {
    const current = data.runs[run], trace = current && current.trace, facts = [];
    byId('lead').textContent = current ? current.about || '' : data.about || '';
    if (trace) {
      facts.push(['steps', trace.steps.toLocaleString('en')], ['layers', trace.layers.length], ['layer steps projected', percent(trace.projectedShare)], ['deviation at the end', number(trace.overallDeviation, 4)]);
    }
    if (current) for (const [name, value] of current.facts) facts.push([name, value]);
    byId('facts').innerHTML = facts.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd${/[a-z]/i.test(value) ? ' class="words"' : ''}>${escape(value)}</dd></div>`).join('');
    byId('facts').hidden = !facts.length;
    const settings = current ? current.settings : [];
    byId('settings').hidden = !settings.length;
    byId('settings-table').innerHTML = settings.map(([name, value]) => `<tr><th>${escape(name)}</th><td>${escape(value)}</td></tr>`).join('');
    for (const id of ['layers', 'layer', 'share']) byId(id).hidden = !trace;
    for (const id of ['tradeoff', 'deviation', 'results']) byId(id).hidden = !data.results;
    if (!trace) return;
    byId('per-column').textContent = trace.per === 1 ? 'a step' : `${trace.per} steps (means; of λr the largest, of the deviation the last)`;
    byId('layer-choice').innerHTML = trace.layers.map((name, i) => `<option value="${i}">${escape(name)}</option>`).join('');
    byId('layer-choice').value = String(layer);
  }

  function draw() {
    const trace = data.runs[run] && data.runs[run].trace;
    if (trace) { drawHeat(trace); drawLayer(trace); drawShare(trace); }
    drawLoss();
    if (data.results) { drawTradeoff(); drawDeviation(); }
  }

  function show(index) {
    run = index;
    const trace = data.runs[run] && data.runs[run].trace;
    // The layer that is projected most has the most to show.
    if (trace) layer = trace.share.reduce((best, s, i) => s > trace.share[best] ? i : best, 0);
    fillText();
    draw();
    if (trace && !listening) { listening = true; listen(); }
  }

  let listening = false;
  const began = performance.now();
  for (const { trace } of data.runs) {
    if (!trace) continue;
    trace.values = Object.fromEntries(Object.entries(trace.data).map(([name, text]) => [name, decode(text)]));
    [trace.pictures, trace.ranges] = [{}, {}];
    delete trace.data;
  }

  byId('quantities').innerHTML = Object.entries(quantities).map(([name, rule]) => `<button type="button" data-name="${name}" aria-pressed="${name === quantity}">${rule.name}</button>`).join('');
  byId('quantities').addEventListener('click', event => {
    const button = event.target.closest('button');
    if (!button) return;
    quantity = button.dataset.name;
    for (const other of byId('quantities').children) other.setAttribute('aria-pressed', String(other === button));
    drawHeat(data.runs[run].trace);
  });
  byId('layer-choice').addEventListener('change', event => choose(Number(event.target.value)));
  byId('run').innerHTML = data.runs.map((r, i) => `<option value="${i}">${escape(r.name)}</option>`).join('');
  byId('run').addEventListener('change', event => show(Number(event.target.value)));
  byId('run-choice').hidden = data.runs.length < 2;
  if (data.results) fillResults();
  show(0);

  let waiting = 0;
  addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(draw, 120); });
  dark.addEventListener('change', draw);
  const print = on => {
    if (on === forPrint) return;
    forPrint = on;
    // The width of a page: A4 less its margins, at 96 pixels an inch.
    for (const element of document.querySelectorAll('.chart')) element.style.width = on ? '640px' : '';
    draw();
    for (const view of Object.values(charts)) view.getZr().flush();
  };
  addEventListener('beforeprint', () => print(true));
  addEventListener('afterprint', () => print(false));
  printing.addEventListener('change', event => print(event.matches));

  // For those who look at the page with a script.
  window.report = {
    ready: true,
    milliseconds: performance.now() - began,
    value: (name, layerName, column) => { const t = data.runs[run].trace; return t.values[name][t.layers.indexOf(layerName) * t.columns + column]; },
    share: layerName => { const t = data.runs[run].trace; return t.share[t.layers.indexOf(layerName)]; },
    shown: () => [...document.querySelectorAll('section')].filter(s => !s.hidden).map(s => s.id),
    chart: id => charts[id + '-chart'],
  };
})();
