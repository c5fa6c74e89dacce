namespace Engine.Training;

/// <summary>A task in words and what should come of it.</summary>
/// <param name="Instruction">The task.</param>
/// <param name="Input">What it is to be done with; empty where the instruction says it all.</param>
/// <param name="Output">The text to be written.</param>
/// <param name="Answer">The short answer that the output holds (<c>answer2</c>), where there is one.</param>
public sealed record InstructionExample(string Instruction, string Input, string Output, string? Answer = null);
