using System.CommandLine;
using Engine.Cli;

RootCommand root = new(
    "engine: fine-tune vision transformers with Adam-SPD, on any machine with .NET.\n\n" +
    "  engine demo                                         see what Selective Projection Decay does, in three minutes\n" +
    "  engine finetune --model vit --data train --out run  fine-tune a timm checkpoint on folders of images\n" +
    "  engine evaluate --model run/best --data test        accuracy, per class, confusion\n" +
    "  engine inspect vit/model.safetensors                tensors, shapes, parameters, metadata")
{
    DemoCommand.Create(),
    FinetuneCommand.Create(),
    PretrainCommand.Create(),
    EvaluateCommand.Create(),
    DrawCommand.Create(),
    GenerateCommand.Create(),
    MergeCommand.Create(),
    ConvertCommand.Create(),
    InspectCommand.Create(),
};

// Nothing asked is no fault: it shows what can be asked.
ParseResult parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
if (parsed.Errors.Count > 0) return Commands.Refuse(parsed);

// Signals are the commands' own affair: System.CommandLine would end the process two seconds after Ctrl-C, in the middle of saving.
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
