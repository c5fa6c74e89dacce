namespace Engine.Tensors.Tests;

public sealed class JoiningTests
{
    static Tensor Count(params int[] extents) => Tensor.From([.. Enumerable.Range(0, (int)Shape.Create(extents).ElementCount)], Shape.Create(extents));

    [Fact]
    public void Concatenates_along_any_axis_and_splits_again()
    {
        for (int axis = 0; axis < 3; axis++)
        {
            Tensor a = Count(2, 3, 4), b = Count(4, 3, 2).Permute(2, 1, 0), c = Count([.. a.Shape.With(axis, 5)]);
            Tensor y = Joining.Concatenate(axis - 3, a, b.Slice(axis, 0, 1), c);
            Tensor[] parts = Joining.Split(y, axis, a.Shape[axis], 1, 5);
            Assert.Equal(a.ToArray<int>(), parts[0].ToArray<int>());
            Assert.Equal(b.Slice(axis, 0, 1).ToArray<int>(), parts[1].ToArray<int>());
            Assert.Equal(c.ToArray<int>(), parts[2].ToArray<int>());
        }

        Assert.Throws<ShapeException>(() => Joining.Concatenate(0, Count(2, 3), Count(2, 4)));
        Assert.Throws<ShapeException>(() => Joining.Split(Count(4), 0, 1, 2));
        Assert.Throws<ShapeException>(() => Joining.Concatenate(0));
    }

    [Fact]
    public void Stacks_along_a_new_axis()
    {
        Tensor a = Count(2, 2), b = Count(2, 2).Flip(0, 1);
        Assert.Equal([0, 1, 2, 3, 3, 2, 1, 0], Joining.Stack(0, a, b).ToArray<int>());
        Assert.Equal([0, 1, 3, 2, 2, 3, 1, 0], Joining.Stack(1, a, b).ToArray<int>());
        Assert.Equal([0, 3, 1, 2, 2, 1, 3, 0], Joining.Stack(-1, a, b).ToArray<int>());
        Assert.Equal([2], Joining.Stack(0, Tensor.Scalar(1), Tensor.Scalar(2)).Shape);
    }

    [Fact]
    public void Pads_and_crops_the_last_axes_first()
    {
        Assert.Equal([9, 0, 1, 9, 9, 9, 2, 3, 9, 9, 9, 9, 9, 9, 9], Joining.Pad(Count(2, 2), [1, 2, 0, 1], 9).ToArray<int>());
        Assert.Equal([1, 2, 7, 4, 5, 7], Joining.Pad(Count(2, 3), [-1, 1], 7).ToArray<int>());
        Assert.Equal([1, 4], Joining.Pad(Count(2, 3), [-1, -1]).ToArray<int>());
        Assert.Equal([7, 7], Joining.Pad(Count(1), [3, -2], 7).ToArray<int>());
        Assert.Throws<ShapeException>(() => Joining.Pad(Count(2), [1]));
        Assert.Throws<ShapeException>(() => Joining.Pad(Count(2), [-2, -1]));
    }

    [Fact]
    public void Rolls_cyclically()
    {
        Assert.Equal([4, 0, 1, 2, 3], Joining.Roll(Count(5), [1], [0]).ToArray<int>());
        Assert.Equal([2, 3, 4, 0, 1], Joining.Roll(Count(5), [-2], [0]).ToArray<int>());
        Assert.Equal([2, 3, 4, 0, 1], Joining.Roll(Count(5), [13], [0]).ToArray<int>());
        Assert.Equal([5, 3, 4, 2, 0, 1], Joining.Roll(Count(2, 3), [1, 1], [0, 1]).ToArray<int>());
    }

    [Fact]
    public void Repeats_whole_and_by_element()
    {
        Assert.Equal([0, 1, 0, 1, 0, 1, 0, 1], Joining.Repeat(Count(1, 2), 2, 2).ToArray<int>());
        Assert.Equal([0, 1, 0, 1], Joining.Repeat(Count(2), 2, 1).ToArray<int>());
        Assert.Equal([0, 0, 1, 1, 2, 2], Joining.RepeatInterleave(Count(3), 2, 0).ToArray<int>());
        Assert.Equal([0, 1, 0, 1, 2, 3, 2, 3], Joining.RepeatInterleave(Count(2, 2), 2, 0).ToArray<int>());
        Assert.Throws<ShapeException>(() => Joining.Repeat(Count(2, 2), 2));
    }
}
