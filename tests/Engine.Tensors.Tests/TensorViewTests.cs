namespace Engine.Tensors.Tests;

public sealed class TensorViewTests
{
    static Tensor Count(params int[] extents) => Tensor.From([.. Enumerable.Range(0, (int)Shape.Create(extents).ElementCount)], Shape.Create(extents));

    [Fact]
    public void Reshape_is_a_view_where_strides_allow_and_a_copy_elsewhere()
    {
        Tensor x = Count(2, 3, 4);
        Assert.Same(x.Storage, x.Reshape(6, 4).Storage);
        Assert.Same(x.Storage, x.Permute(2, 0, 1).Reshape(4, 6).Storage);
        Tensor turned = x.Permute(1, 0, 2).Reshape(6, 4);
        Assert.NotSame(x.Storage, turned.Storage);
        Assert.Equal([0, 1, 2, 3, 12, 13, 14, 15], turned.ToArray<int>()[..8]);
        Assert.Same(x.Storage, x.Slice(2, 1, 3).Reshape(6, 2).Storage);
        Assert.NotSame(x.Storage, x.Slice(1, 0, 2).Reshape(16).Storage);
        Assert.Equal([1, 5, 9, 13, 17, 21], x.Slice(2, 1, 2).Reshape(-1).ToArray<int>());
        Assert.Equal([3, 2, 1, 0], x.Flip(2).Reshape(-1).ToArray<int>()[..4]);
    }

    [Fact]
    public void Reshape_handles_ones_zeros_and_open_extents()
    {
        Assert.Equal([1, 6, 1], Count(2, 3).Reshape(1, -1, 1).Shape);
        Assert.Equal([0, 5], Tensor.Zeros([5, 0]).Reshape(0, 5).Shape);
        Assert.Equal([], Count(1, 1).Reshape(default(Shape)).Shape);
        Assert.Equal([1, 1], Tensor.Scalar(3).Reshape(1, 1).Shape);
        Assert.Throws<ShapeException>(() => Count(6).Reshape(4));
        Assert.Throws<ShapeException>(() => Count(6).Reshape(-1, 4));
        Assert.Equal([0, 3, 1, 4, 2, 5], Count(2, 3).Transpose().Unsqueeze(1).Reshape(3, 1, 1, 2).ToArray<int>());
    }

    [Fact]
    public void Views_of_views_see_the_right_elements()
    {
        Tensor x = Count(4, 5, 6);
        Assert.Equal([119, 117, 115], x.Flip(0, 1, 2).Select(0, 0).Select(0, 0).Slice(0, 0, 6, 2).ToArray<int>());
        Assert.Equal([34, 64], x.Permute(2, 0, 1).Select(0, 4).Slice(0, 1, 3).Select(1, 0).ToArray<int>());
        Assert.Equal([7, 7, 7], x.Select(0, 0).Select(0, 1).Slice(0, 1, 2).Expand([3]).ToArray<int>());
        Assert.Equal([119], x.Select(0, -1).Select(0, -1).Slice(0, 5, 6).ToArray<int>());
    }

    [Fact]
    public void Writing_through_a_view_changes_the_whole()
    {
        Tensor x = Tensor.Zeros([3, 4]);
        x.Transpose().Select(0, 2).CopyFrom(Tensor.From<float>([1, 2, 3], [3]));
        Assert.Equal([0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0], x.ToArray<float>());
    }

    [Fact]
    public void Wrong_views_say_what_does_not_fit()
    {
        Tensor x = Count(2, 3);
        Assert.Contains("[2, 3]", Assert.Throws<ShapeException>(() => x.Slice(1, 2, 4)).Message);
        Assert.Contains("[2, 4]", Assert.Throws<ShapeException>(() => x.Expand([2, 4])).Message);
        Assert.Throws<ShapeException>(() => x.Permute(0, 0));
        Assert.Throws<ShapeException>(() => x.Squeeze(0));
        Assert.Throws<ShapeException>(() => x.AsSpan<float>());
        Assert.Throws<ShapeException>(() => x.Transpose().AsSpan<int>());
        Assert.Throws<ShapeException>(() => x.ToArray<float>());
    }
}
