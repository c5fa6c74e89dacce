using Engine.Tensors;
using ILGPU;

namespace Engine.Gpu;

/// <summary>What every product does with its sums: bias, the sum before the activation if it is kept, the activation, what y held.</summary>
static class ProductEpilogue
{
    /// <summary>Finishes one element of the result that starts at y and linear in their views.</summary>
    public static void Store<TActivation, TElement, TWord, TLane>(ProductResult<TActivation, TWord, TLane> result, int y, int linear, int row, int column, TLane sum)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        if (result.HasBias != 0) sum += TElement.Load(result.Bias[result.BiasOrigin + row * result.BiasRow + column * result.BiasColumn]);
        if (result.HasLinear != 0) result.Linear[linear + row * result.LinearPlaces.Row + column * result.LinearPlaces.Column] = TElement.Store(sum);
        TLane value = result.Activation.Apply(sum);
        int place = y + row * result.YPlaces.Row + column * result.YPlaces.Column;
        if (result.Accumulate != 0) value = TElement.Load(result.Y[place]) + value;
        result.Y[place] = TElement.Store(value);
    }

    /// <summary>Finishes one element, if it lies within the result; where K is in pieces, keeps its sum.</summary>
    public static void StoreOne<TActivation, TElement, TWord, TLane>(
        ProductSizes sizes, ProductResult<TActivation, TWord, TLane> result, int product, int piece, int row, int column, TLane sum)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        if (row >= sizes.M || column >= sizes.N) return;
        if (sizes.Pieces > 1)
        {
            result.Partial[((piece * sizes.Products + product) * sizes.M + row) * sizes.N + column] = sum;
            return;
        }

        Coordinates batch = Axes.At(sizes.Batch, product);
        Store<TActivation, TElement, TWord, TLane>(
            result, MatrixPlaces.Start(result.YPlaces, batch), MatrixPlaces.Start(result.LinearPlaces, batch), row, column, sum);
    }

    /// <summary>Finishes 4 x 4 elements, as far as they lie within the result; where K is in pieces, keeps their sums.</summary>
    public static void StoreQuads<TActivation, TElement, TWord, TLane>(
        ProductSizes sizes, ProductResult<TActivation, TWord, TLane> result, int product, int piece, int row, int column,
        Quad<TLane> sums0, Quad<TLane> sums1, Quad<TLane> sums2, Quad<TLane> sums3)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        Coordinates batch = Axes.At(sizes.Batch, product);
        int y = MatrixPlaces.Start(result.YPlaces, batch), linear = MatrixPlaces.Start(result.LinearPlaces, batch);
        int partial = ((piece * sizes.Products + product) * sizes.M + row) * sizes.N + column;

        // Counts that differ from thread to thread, on purpose: PoCL runs a loop of the same length for all threads by turns, keeps
        // what lives across turns for every thread, and in one of some twenty compilations takes these sums for the same in all.
        int rows = sizes.M - row < 4 ? sizes.M - row : 4, columns = sizes.N - column < 4 ? sizes.N - column : 4;
        for (int below = 0; below < rows; below++)
        {
            Quad<TLane> sums = below < 2 ? below == 0 ? sums0 : sums1 : below == 2 ? sums2 : sums3;
            for (int beside = 0; beside < columns; beside++)
            {
                TLane sum = beside < 2 ? beside == 0 ? sums.X : sums.Y : beside == 2 ? sums.Z : sums.W;
                if (sizes.Pieces > 1) result.Partial[partial + below * sizes.N + beside] = sum;
                else Store<TActivation, TElement, TWord, TLane>(result, y, linear, row + below, column + beside, sum);
            }
        }
    }

    /// <summary>Adds up the pieces of K, in order: a thread finishes one element.</summary>
    public static void SumPieces<TActivation, TElement, TWord, TLane>(PiecesArguments<TActivation, TWord, TLane> a)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
    {
        int matrix = a.Sizes.M * a.Sizes.N, count = matrix * a.Sizes.Products;
        int i = Grid.IdxX * KernelLoader.GroupSize + Group.IdxX;
        if (i >= count) return;
        TLane sum = a.Result.Partial[i];
        for (int piece = 1; piece < a.Sizes.Pieces; piece++) sum += a.Result.Partial[piece * count + i];
        int product = i / matrix, within = i - product * matrix, row = within / a.Sizes.N;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);
        Store<TActivation, TElement, TWord, TLane>(
            a.Result, MatrixPlaces.Start(a.Result.YPlaces, batch), MatrixPlaces.Start(a.Result.LinearPlaces, batch), row, within - row * a.Sizes.N, sum);
    }
}

/// <summary>Arguments of <see cref="ProductEpilogue.SumPieces"/>.</summary>
struct PiecesArguments<TActivation, TWord, TLane>
    where TActivation : struct
    where TWord : unmanaged
    where TLane : unmanaged
{
    public ProductSizes Sizes;
    public ProductResult<TActivation, TWord, TLane> Result;
}
