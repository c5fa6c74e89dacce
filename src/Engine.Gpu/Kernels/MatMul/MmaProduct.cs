using Engine.Tensors;
using ILGPU;
using ILGPU.Runtime.Cuda;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="MmaProduct"/>.</summary>
struct MmaArguments<TActivation, TWord, TLane>
    where TActivation : struct
    where TWord : unmanaged
    where TLane : unmanaged
{
    /// <summary>Device addresses of the operands' views: copies to shared memory in the background take addresses.</summary>
    public long A, B;

    /// <summary>Where the operands lie; Row is the stride, in elements, of the axis that is not dense.</summary>
    public MatrixPlaces APlaces, BPlaces;
    public ProductSizes Sizes;
    public ProductResult<TActivation, TWord, TLane> Result;
}

/// <summary>
/// The product on NVIDIA's tensor cores, from Ampere on. A group of eight warps computes 128 x 128 results, a warp 64 x 32. Tiles of 128 by
/// 64 bytes of K travel to shared memory in the background, two steps ahead of the multiplication; their pieces of 16 bytes are
/// permuted so that eight rows of a fragment lie in different banks. Operands may be dense along K or across it: ldmatrix
/// turns a fragment of 16-bit elements on the way. Every row must start at a multiple of 16 bytes; edges are filled with zeros.
/// </summary>
static class MmaProduct
{
    /// <summary>Rows and columns of a group.</summary>
    public const int Tile = 128;

    /// <summary>Bytes of K a step.</summary>
    public const int DepthBytes = 64;

    const int TileBytes = Tile * DepthBytes, StageBytes = 2 * TileBytes, Stages = 3;

    // Half a tile of sums in shared memory, rows two pieces of 8 bytes longer than they are.
    const int HalfRows = Tile / 2, Pitch = Tile + 4;

    /// <summary>Shared memory of a group, all that a group gets without asking for more.</summary>
    public const int SharedBytes = Stages * StageBytes;

    public static void Run<TActivation, TElement, TWord, TLane, TType, TLeft, TRight>(MmaArguments<TActivation, TWord, TLane> a)
        where TActivation : struct, IUnary
        where TElement : struct, IGpuElement<TWord, TLane>
        where TWord : unmanaged
        where TLane : unmanaged, ILane<TLane>
        where TType : struct, IMmaType
        where TLeft : struct, IOperandLayout
        where TRight : struct, IOperandLayout
    {
        ArrayView<float> shared = SharedMemory.GetDynamic<float>();
        int thread = Group.IdxX, lane = thread & 31, warp = thread >> 5, warpRow = (warp >> 2) * 64, warpColumn = (warp & 3) * 32;
        int place = Grid.IdxX, tiles = place / a.Sizes.TilesAcross;
        int firstColumn = (place - tiles * a.Sizes.TilesAcross) * Tile;
        int pieces = tiles / a.Sizes.TilesDown, firstRow = (tiles - pieces * a.Sizes.TilesDown) * Tile;
        int product = pieces / a.Sizes.Pieces, piece = pieces - product * a.Sizes.Pieces;
        int depth = DepthBytes / TType.Bytes, firstK = piece * a.Sizes.PieceLength;
        int endK = firstK + a.Sizes.PieceLength < a.Sizes.K ? firstK + a.Sizes.PieceLength : a.Sizes.K;
        int steps = (endK - firstK + depth - 1) / depth;
        Coordinates batch = Axes.At(a.Sizes.Batch, product);
        long left = a.A + (long)MatrixPlaces.Start(a.APlaces, batch) * TType.Bytes, right = a.B + (long)MatrixPlaces.Start(a.BPlaces, batch) * TType.Bytes;

        CudaAsm.Emit(".reg .f32 d<64>; .reg .b32 ax<16>, bx<8>, sx, tx; mov.u32 sx,__dyn_shared_alloca;");
        CudaAsm.Emit("mov.f32 d0,0f00000000; mov.f32 d1,0f00000000; mov.f32 d2,0f00000000; mov.f32 d3,0f00000000; mov.f32 d4,0f00000000; mov.f32 d5,0f00000000; mov.f32 d6,0f00000000; mov.f32 d7,0f00000000; mov.f32 d8,0f00000000; mov.f32 d9,0f00000000; mov.f32 d10,0f00000000; mov.f32 d11,0f00000000; mov.f32 d12,0f00000000; mov.f32 d13,0f00000000; mov.f32 d14,0f00000000; mov.f32 d15,0f00000000;");
        CudaAsm.Emit("mov.f32 d16,0f00000000; mov.f32 d17,0f00000000; mov.f32 d18,0f00000000; mov.f32 d19,0f00000000; mov.f32 d20,0f00000000; mov.f32 d21,0f00000000; mov.f32 d22,0f00000000; mov.f32 d23,0f00000000; mov.f32 d24,0f00000000; mov.f32 d25,0f00000000; mov.f32 d26,0f00000000; mov.f32 d27,0f00000000; mov.f32 d28,0f00000000; mov.f32 d29,0f00000000; mov.f32 d30,0f00000000; mov.f32 d31,0f00000000;");
        CudaAsm.Emit("mov.f32 d32,0f00000000; mov.f32 d33,0f00000000; mov.f32 d34,0f00000000; mov.f32 d35,0f00000000; mov.f32 d36,0f00000000; mov.f32 d37,0f00000000; mov.f32 d38,0f00000000; mov.f32 d39,0f00000000; mov.f32 d40,0f00000000; mov.f32 d41,0f00000000; mov.f32 d42,0f00000000; mov.f32 d43,0f00000000; mov.f32 d44,0f00000000; mov.f32 d45,0f00000000; mov.f32 d46,0f00000000; mov.f32 d47,0f00000000;");
        CudaAsm.Emit("mov.f32 d48,0f00000000; mov.f32 d49,0f00000000; mov.f32 d50,0f00000000; mov.f32 d51,0f00000000; mov.f32 d52,0f00000000; mov.f32 d53,0f00000000; mov.f32 d54,0f00000000; mov.f32 d55,0f00000000; mov.f32 d56,0f00000000; mov.f32 d57,0f00000000; mov.f32 d58,0f00000000; mov.f32 d59,0f00000000; mov.f32 d60,0f00000000; mov.f32 d61,0f00000000; mov.f32 d62,0f00000000; mov.f32 d63,0f00000000;");

        // Two steps are on their way before the first one is waited for.
        for (int step = 0; step < Stages - 1; step++)
        {
            if (step < steps) Fetch<TType, TLeft, TRight>(a.APlaces.Row, a.BPlaces.Row, a.Sizes, left, right, step * StageBytes, thread, firstRow, firstColumn, firstK + step * depth, endK);
            CudaAsm.Emit("cp.async.commit_group;");
        }

        int stage = 0, ahead = (Stages - 1) * StageBytes;
        for (int step = 0; step < steps; step++)
        {
            // Its copies are done, everybody's after the barrier; and everybody has left the stage that is filled next. The number of
            // steps is the group's.
            CudaAsm.Emit("cp.async.wait_group 1;");
            Group.Barrier();
            int next = step + Stages - 1;
            if (next < steps) Fetch<TType, TLeft, TRight>(a.APlaces.Row, a.BPlaces.Row, a.Sizes, left, right, ahead, thread, firstRow, firstColumn, firstK + next * depth, endK);
            CudaAsm.Emit("cp.async.commit_group;");
            for (int half = 0; half < 2; half++)
            {
                LoadLeft<TLeft>(stage, lane, warpRow, half);
                LoadRight<TRight>(stage + TileBytes, lane, warpColumn, half);
                TType.Multiply();
            }

            stage = stage + StageBytes == SharedBytes ? 0 : stage + StageBytes;
            ahead = ahead + StageBytes == SharedBytes ? 0 : ahead + StageBytes;
        }

        // Sums leave through shared memory, half a tile at a time, so that the epilogue is C# and writes along rows.
        CudaAsm.Emit("cp.async.wait_group 0;");
        int y = MatrixPlaces.Start(a.Result.YPlaces, batch), linear = MatrixPlaces.Start(a.Result.LinearPlaces, batch);
        int partial = (piece * a.Sizes.Products + product) * a.Sizes.M;
        for (int half = 0; half < 2; half++)
        {
            // Nobody reads the tiles, or the first half, any more.
            Group.Barrier();
            if (warpRow == half * HalfRows) KeepSums(((lane >> 2) * Pitch + warpColumn + 2 * (lane & 3)) * 4);

            // All of the half is there.
            Group.Barrier();
            for (int i = thread; i < HalfRows * Tile; i += KernelLoader.GroupSize)
            {
                int below = i >> 7, beside = i & (Tile - 1), row = firstRow + half * HalfRows + below, column = firstColumn + beside;
                if (row >= a.Sizes.M || column >= a.Sizes.N) continue;
                TLane sum = TLane.Of(shared[below * Pitch + beside]);
                if (a.Sizes.Pieces > 1) a.Result.Partial[(partial + row) * a.Sizes.N + column] = sum;
                else ProductEpilogue.Store<TActivation, TElement, TWord, TLane>(a.Result, y, linear, row, column, sum);
            }
        }
    }

    static void Fetch<TType, TLeft, TRight>(int leftRow, int rightRow, ProductSizes sizes, long left, long right, int stage, int thread, int firstRow, int firstColumn, int k, int endK)
        where TType : struct, IMmaType
        where TLeft : struct, IOperandLayout
        where TRight : struct, IOperandLayout
    {
        FetchPiece<TType, TLeft>(left, leftRow, stage, thread, firstRow, sizes.M, k, endK);
        FetchPiece<TType, TLeft>(left, leftRow, stage, thread + KernelLoader.GroupSize, firstRow, sizes.M, k, endK);
        FetchPiece<TType, TRight>(right, rightRow, stage + TileBytes, thread, firstColumn, sizes.N, k, endK);
        FetchPiece<TType, TRight>(right, rightRow, stage + TileBytes, thread + KernelLoader.GroupSize, firstColumn, sizes.N, k, endK);
    }

    // One of a tile's 512 pieces of 16 bytes: 4 a row of 64 bytes along K, or 16 a row of 256 bytes across it.
    static void FetchPiece<TType, TLayout>(long matrix, int row, int tile, int number, int first, int extent, int k, int endK)
        where TType : struct, IMmaType
        where TLayout : struct, IOperandLayout
    {
        int line, start, end, target;
        bool there;
        if (TLayout.AlongK)
        {
            int below = number >> 2, piece = number & 3;
            line = first + below;
            there = line < extent;
            start = k + piece * (16 / TType.Bytes);
            end = endK;
            target = tile + below * DepthBytes + ((piece ^ ((below >> 1) & 3)) << 4);
        }
        else
        {
            int below = number >> 4, piece = number & 15;
            line = k + below;
            there = line < endK;
            start = first + piece * (16 / TType.Bytes);
            end = extent;
            target = tile + below * (Tile * 2) + ((piece ^ (below & 7)) << 4);
        }

        // What lies beyond the edge is not read, and zero.
        int bytes = there && start < end ? (end - start) * TType.Bytes : 0;
        bytes = bytes < 16 ? bytes : 16;
        long source = bytes > 0 ? matrix + ((long)line * row + start) * TType.Bytes : matrix;
        CudaAsm.Emit("{ .reg .b32 px; add.u32 px,sx,%0; cp.async.cg.shared.global [px],[%1],16,%2; }", target, source, bytes);
    }

    // Four fragments of 16 rows by 32 bytes: lanes 0 to 15 name the rows' first 16 bytes, 16 to 31 the second ones.
    static void LoadLeft<TLayout>(int tile, int lane, int warpRow, int half) where TLayout : struct, IOperandLayout
    {
        if (TLayout.AlongK)
        {
            int row = lane & 15, piece = (2 * half + (lane >> 4)) ^ ((row >> 1) & 3);
            CudaAsm.Emit("add.u32 tx,sx,%0;", tile + (warpRow + row) * DepthBytes + (piece << 4));
            CudaAsm.Emit(
                "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {ax0,ax1,ax2,ax3},[tx]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {ax4,ax5,ax6,ax7},[tx+1024]; "
                + "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {ax8,ax9,ax10,ax11},[tx+2048]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {ax12,ax13,ax14,ax15},[tx+3072];");
        }
        else
        {
            int k = 16 * half + (lane & 7) + (lane >> 4) * 8, turn = lane & 7, piece = (warpRow >> 3) + ((lane >> 3) & 1), row = tile + k * (Tile * 2);
            CudaAsm.Emit("add.u32 tx,sx,%0; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {ax0,ax1,ax2,ax3},[tx];", row + ((piece ^ turn) << 4));
            CudaAsm.Emit("add.u32 tx,sx,%0; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {ax4,ax5,ax6,ax7},[tx];", row + (((piece + 2) ^ turn) << 4));
            CudaAsm.Emit("add.u32 tx,sx,%0; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {ax8,ax9,ax10,ax11},[tx];", row + (((piece + 4) ^ turn) << 4));
            CudaAsm.Emit("add.u32 tx,sx,%0; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {ax12,ax13,ax14,ax15},[tx];", row + (((piece + 6) ^ turn) << 4));
        }
    }

    // Four fragments of 8 columns by 32 bytes, two a load: a column's two halves, then those of the column 8 further on.
    static void LoadRight<TLayout>(int tile, int lane, int warpColumn, int half) where TLayout : struct, IOperandLayout
    {
        if (TLayout.AlongK)
        {
            int column = (lane & 7) + (lane >> 4) * 8, piece = (2 * half + ((lane >> 3) & 1)) ^ ((column >> 1) & 3);
            CudaAsm.Emit("add.u32 tx,sx,%0;", tile + (warpColumn + column) * DepthBytes + (piece << 4));
            CudaAsm.Emit("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {bx0,bx1,bx2,bx3},[tx]; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {bx4,bx5,bx6,bx7},[tx+1024];");
        }
        else
        {
            int k = 16 * half + (lane & 15), turn = lane & 7, piece = (warpColumn >> 3) + (lane >> 4), row = tile + k * (Tile * 2);
            CudaAsm.Emit("add.u32 tx,sx,%0; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {bx0,bx1,bx2,bx3},[tx];", row + ((piece ^ turn) << 4));
            CudaAsm.Emit("add.u32 tx,sx,%0; ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {bx4,bx5,bx6,bx7},[tx];", row + (((piece + 2) ^ turn) << 4));
        }
    }

    // A lane holds two neighbours of row lane / 4 and of the row 8 below, in each fragment; rows are 528 bytes apart.
    static void KeepSums(int place)
    {
        CudaAsm.Emit("add.u32 tx,sx,%0;", place);
        CudaAsm.Emit("st.shared.v2.f32 [tx+0],{d0,d1}; st.shared.v2.f32 [tx+4224],{d2,d3}; "
            + "st.shared.v2.f32 [tx+32],{d4,d5}; st.shared.v2.f32 [tx+4256],{d6,d7}; "
            + "st.shared.v2.f32 [tx+64],{d8,d9}; st.shared.v2.f32 [tx+4288],{d10,d11}; "
            + "st.shared.v2.f32 [tx+96],{d12,d13}; st.shared.v2.f32 [tx+4320],{d14,d15}; ");
        CudaAsm.Emit("st.shared.v2.f32 [tx+8448],{d16,d17}; st.shared.v2.f32 [tx+12672],{d18,d19}; "
            + "st.shared.v2.f32 [tx+8480],{d20,d21}; st.shared.v2.f32 [tx+12704],{d22,d23}; "
            + "st.shared.v2.f32 [tx+8512],{d24,d25}; st.shared.v2.f32 [tx+12736],{d26,d27}; "
            + "st.shared.v2.f32 [tx+8544],{d28,d29}; st.shared.v2.f32 [tx+12768],{d30,d31}; ");
        CudaAsm.Emit("st.shared.v2.f32 [tx+16896],{d32,d33}; st.shared.v2.f32 [tx+21120],{d34,d35}; "
            + "st.shared.v2.f32 [tx+16928],{d36,d37}; st.shared.v2.f32 [tx+21152],{d38,d39}; "
            + "st.shared.v2.f32 [tx+16960],{d40,d41}; st.shared.v2.f32 [tx+21184],{d42,d43}; "
            + "st.shared.v2.f32 [tx+16992],{d44,d45}; st.shared.v2.f32 [tx+21216],{d46,d47}; ");
        CudaAsm.Emit("st.shared.v2.f32 [tx+25344],{d48,d49}; st.shared.v2.f32 [tx+29568],{d50,d51}; "
            + "st.shared.v2.f32 [tx+25376],{d52,d53}; st.shared.v2.f32 [tx+29600],{d54,d55}; "
            + "st.shared.v2.f32 [tx+25408],{d56,d57}; st.shared.v2.f32 [tx+29632],{d58,d59}; "
            + "st.shared.v2.f32 [tx+25440],{d60,d61}; st.shared.v2.f32 [tx+29664],{d62,d63}; ");
    }
}
