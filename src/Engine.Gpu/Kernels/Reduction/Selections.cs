using ILGPU;

namespace Engine.Gpu;

/// <summary>Arguments of <see cref="Selections"/>: the first of each row of dense X [Rows, Length] in some order.</summary>
struct SelectionArguments<TWord> where TWord : unmanaged
{
    public ArrayView<TWord> X;

    /// <summary>The elements chosen, [Rows, Chosen]; not written by <see cref="Selections.First"/>.</summary>
    public ArrayView<TWord> Values;

    /// <summary>Their places, [Rows, Chosen].</summary>
    public ArrayView<int> Places;

    public int Rows, Length, Chosen;
}

/// <summary>Elements of a row by rank. Among equal ones, and among several NaNs, the first place counts.</summary>
static class Selections
{
    /// <summary>The place of the first element in order. A team of threads reads a row once.</summary>
    public static void First<TTeam, TOrder, TWord>(SelectionArguments<TWord> a)
        where TTeam : struct, IRowTeam
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        ArrayView<TWord> words = SharedMemory.Allocate<TWord>(RowTeams.Room);
        ArrayView<int> places = SharedMemory.Allocate<int>(RowTeams.Room);
        int row = RowTeams.Row<TTeam>(), lane = RowTeams.Lane<TTeam>();
        bool exists = row < a.Rows;
        int first = (exists ? row : a.Rows - 1) * a.Length, place = lane < a.Length ? lane : 0;
        TWord best = a.X[first + place];
        for (int i = lane + TTeam.Size; i < a.Length; i += TTeam.Size)
        {
            TWord word = a.X[first + i];
            if (!TOrder.Before(word, best)) continue;
            best = word;
            place = i;
        }

        place = Fold<TTeam, TOrder, TWord>(words, places, best, place);
        if (exists && lane == 0) a.Places[row] = place;
    }

    /// <summary>
    /// The first few elements in order, one after another: each is the best of those behind the one before it. A group reads its
    /// row once for every element.
    /// </summary>
    public static void Several<TOrder, TWord>(SelectionArguments<TWord> a)
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        ArrayView<TWord> words = SharedMemory.Allocate<TWord>(RowTeams.Room);
        ArrayView<int> places = SharedMemory.Allocate<int>(RowTeams.Room);
        int row = Grid.IdxX, lane = Group.IdxX, first = row * a.Length, last = -1;
        TWord before = a.X[first];
        for (int chosen = 0; chosen < a.Chosen; chosen++)
        {
            // A place of -1 says that this thread has nothing to offer.
            int place = -1;
            TWord best = before;
            for (int i = lane; i < a.Length; i += KernelLoader.GroupSize)
            {
                TWord word = a.X[first + i];
                bool behind = last < 0 || TOrder.Before(before, word) || (!TOrder.Before(word, before) && i > last);
                if (!behind || (place >= 0 && !TOrder.Before(word, best))) continue;
                best = word;
                place = i;
            }

            last = Fold<WholeGroup, TOrder, TWord>(words, places, best, place);
            before = a.X[first + last];
            if (lane == 0)
            {
                a.Values[row * a.Chosen + chosen] = before;
                a.Places[row * a.Chosen + chosen] = last;
            }
        }
    }

    // As RowTeams.Fold, of pairs.
    static int Fold<TTeam, TOrder, TWord>(ArrayView<TWord> words, ArrayView<int> places, TWord word, int place)
        where TTeam : struct, IRowTeam
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        if (TTeam.Size == 1) return place;
        int thread = Group.IdxX, lane = thread % TTeam.Size, partials = KernelLoader.GroupSize + thread / TTeam.Size * TTeam.Partials;
        words[thread] = word;
        places[thread] = place;

        // The candidates of all threads are there.
        Group.Barrier();
        if (lane < TTeam.Partials)
        {
            int best = Better<TOrder, TWord>(words, places, thread, TTeam.Partials, TTeam.Size);
            words[partials + lane] = words[best];
            places[partials + lane] = places[best];
        }

        // So are those that are left; see RowTeams.Fold for why two barriers are enough.
        Group.Barrier();
        return places[Better<TOrder, TWord>(words, places, partials, 1, TTeam.Partials)];
    }

    // The best of the candidates at first, first + step, ... below first + end.
    static int Better<TOrder, TWord>(ArrayView<TWord> words, ArrayView<int> places, int first, int step, int end)
        where TOrder : struct, IOrder<TWord>
        where TWord : unmanaged
    {
        int best = first;
        for (int i = step; i < end; i += step)
        {
            int other = first + i;
            bool better = TOrder.Before(words[other], words[best]) || (!TOrder.Before(words[best], words[other]) && places[other] < places[best]);
            if (places[other] >= 0 && (places[best] < 0 || better)) best = other;
        }

        return best;
    }
}
