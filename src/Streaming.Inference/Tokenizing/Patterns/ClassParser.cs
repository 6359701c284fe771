namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>Parses Oniguruma's bracketed classes: ranges, POSIX brackets, nested classes, intersections.</summary>
internal static class ClassParser
{
    private const int DeepestNesting = 20;

    /// <summary>Reads a class whose opening bracket is read.</summary>
    public static CodePointSet Read(PatternReader reader, bool ignoresCase) => Read(reader, ignoresCase, depth: 0);

    private static CodePointSet Read(PatternReader reader, bool ignoresCase, int depth)
    {
        if (depth > DeepestNesting)
            throw reader.Unsupported("classes nested too deeply");
        bool negated = reader.Take("^");
        CodePointSet? earlier = null; // what was read before the last &&
        CodePointSet set = CodePointSet.Empty;
        bool first = true;
        while (first || !reader.Sees("]"))
        {
            if (reader.Take("&&"))
            {
                earlier = earlier is null ? set : earlier.Intersect(set);
                set = CodePointSet.Empty;
                if (ignoresCase)
                    throw reader.Unsupported("&& where case is ignored");
                if (reader.Sees("^"))
                    throw reader.Unsupported("&&^ outside brackets");
            }
            else
            {
                set = set.Union(Item(reader, first, depth));
            }
            first = false;
        }
        reader.Take("]");
        set = earlier is null ? set : earlier.Intersect(set);
        if (ignoresCase)
            set = CaseFolding.Close(set) ?? throw reader.Unsupported("a class of other than ASCII characters where case is ignored");
        return negated ? set.Complement() : set;
    }

    private static CodePointSet Item(PatternReader reader, bool first, int depth)
    {
        if (reader.Take("[:"))
            return Posix(reader);
        if (reader.Sees("["))
        {
            reader.Take("[");
            return Read(reader, ignoresCase: false, depth + 1);
        }
        if (first && reader.Sees("]") && !SeesAnotherBracket(reader))
            throw reader.Unsupported("an empty class");
        (int? from, CodePointSet? set) = Character(reader);
        if (!reader.Sees("-") || reader.Sees("-]"))
            return set ?? CodePointSet.Of(from!.Value);
        int dash = reader.Place;
        reader.Take("-");
        if (from is not int start || reader.Sees("&&"))
            throw reader.Unsupported("a class with a set of characters before a dash");
        if (reader.Sees("["))
        {
            reader.Return(dash); // the dash stands for itself
            return CodePointSet.Of(start);
        }
        (int? to, _) = Character(reader);
        return to is int end && start <= end
            ? CodePointSet.Range(start, end)
            : throw reader.Unsupported("a range of characters that does not ascend");
    }

    private static bool SeesAnotherBracket(PatternReader reader)
    {
        int place = reader.Place;
        reader.Take("]");
        bool sees = reader.SeesLater(']');
        reader.Return(place);
        return sees;
    }

    private static (int? Character, CodePointSet? Set) Character(PatternReader reader)
    {
        if (!reader.Take("\\"))
            return (reader.Next(), null);
        return reader.Take("b") ? ('\b', null) : reader.Escape();
    }

    private static CodePointSet Posix(PatternReader reader)
    {
        bool negated = reader.Take("^");
        string name = reader.Until(":]", "a POSIX bracket");
        CodePointSet set = CharacterSets.Posix(name) ?? throw reader.Unsupported($"[:{name}:]");
        return negated ? set.Complement() : set;
    }
}
