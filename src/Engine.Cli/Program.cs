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
    InspectCommand.Create(),
};

ParseResult parsed = root.Parse(args);
if (parsed.Errors.Count > 0)
{
    string command = string.Join(' ', new[] { "engine" }.Concat(Commands.PathOf(parsed.CommandResult)));
    Console.Error.WriteLine($"{parsed.Errors[0].Message.TrimEnd('.')}. See {command} --help.");
    return ExitCode.Usage;
}

return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
