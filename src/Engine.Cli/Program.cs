using System.CommandLine;
using Engine.Cli;

RootCommand root = new(
    "engine: fine-tune vision and language models with Adam-SPD, on any machine with .NET.\n\n" +
    "  engine demo                                                see what Selective Projection Decay does, in three minutes\n" +
    "  engine finetune --model vit --data train --out run         ViT, CLIP or Swin on folders of images\n" +
    "  engine finetune --model swin --data pascal --out run       segmentation: pictures with masks, UPerNet on Swin\n" +
    "  engine finetune --model llama --data alpaca.json --out run --peft lora\n" +
    "  engine compare --model vit --data home --ood away --out compared        methods side by side: adamw, wise-ft, adam-spd, ...\n" +
    "  engine generate --model llama --adapter run/best --prompt \"Once upon a time\"\n" +
    "  engine evaluate --model run/best --data test               accuracy, per class, confusion; --corruptions\n" +
    "  engine convert --model vit --to hf --out vit-hf            from one library's layout to another's\n" +
    "  engine report --run run                                    one page with layers over steps, curves, results\n" +
    "  engine explain --run run --step 10                         a step of Adam-SPD, recomputed line by line\n" +
    "  engine inspect vit                                         what a model folder or file holds\n" +
    "  engine profile --model vit-b16                             where the time of a training step goes\n" +
    "  engine devices                                             what this machine can compute on; --device opencl uses it")
{
    DemoCommand.Create(),
    FinetuneCommand.Create(),
    CompareCommand.Create(),
    PretrainCommand.Create(),
    EvaluateCommand.Create(),
    DrawCommand.Create(),
    GenerateCommand.Create(),
    MergeCommand.Create(),
    ConvertCommand.Create(),
    InspectCommand.Create(),
    ReportCommand.Create(),
    ExplainCommand.Create(),
    ProfileCommand.Create(),
    DevicesCommand.Create(),
};

// Nothing asked is no fault: it shows what can be asked.
ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
if (parsed.Errors.Count > 0) return Commands.Refuse(parsed);

// Signals are the commands' own affair: System.CommandLine would end the process two seconds after Ctrl-C, in the middle of saving.
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
