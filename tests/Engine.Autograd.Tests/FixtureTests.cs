using Engine.Testing;

namespace Engine.Autograd.Tests;

public sealed class FixtureTests
{
    [Theory, FixtureData("ops")]
    public void Results_and_gradients_match_the_reference(FixtureCase fixture)
    {
        using Fixture opened = fixture.Open();
        opened.Check(OperationFixtures.Run(opened));
    }
}
