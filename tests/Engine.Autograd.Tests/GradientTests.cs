using System.Reflection;

namespace Engine.Autograd.Tests;

public sealed class GradientTests
{
    public static TheoryData<GradientRow> Rows =>
        [.. from place in Enumerable.Range(0, GradientTable.Cases.Length) from layout in Enum.GetValues<Layout>() select new GradientRow(place, layout)];

    [Theory, MemberData(nameof(Rows))]
    public void Gradient_equals_the_central_difference(GradientRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        row.Case.Check(row.Layout);
    }

    [Fact]
    public void Every_public_function_and_operator_has_a_gradient_check()
    {
        IEnumerable<string> functions = typeof(Functions).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(method => method.Name).Except(GradientTable.WithoutGradient);
        IEnumerable<string> operators = typeof(Variable).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Select(method => method.Name).Where(name => name.StartsWith("op_", StringComparison.Ordinal) && name != "op_Implicit");
        Assert.Equal(functions.Concat(operators).Distinct().Order(), GradientTable.Cases.Select(each => each.Function).Distinct().Order());
    }
}
