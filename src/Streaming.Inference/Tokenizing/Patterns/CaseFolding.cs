namespace Streaming.Inference.Tokenizing.Patterns;

/// <summary>
/// Which characters Oniguruma takes for equal where case is ignored, for ASCII. Beyond ASCII one character may equal several ("ß", "ss"),
/// which is refused.
/// </summary>
internal static class CaseFolding
{
    private const int KelvinSign = 0x212A,
        LongS = 0x17F;

    /// <summary>The characters equal to one; null if it is a letter or mark beyond ASCII.</summary>
    public static CodePointSet? Of(int codePoint)
    {
        if (codePoint >= 0x80)
            return CharacterSets.OnigurumaWord.Contains(codePoint) ? null : CodePointSet.Of(codePoint);
        var set = CodePointSet.Of(codePoint);
        if (!char.IsAsciiLetter((char)codePoint))
            return set;
        set = set.Union(CodePointSet.Of(codePoint ^ 0x20));
        return (codePoint | 0x20) switch
        {
            'k' => set.Union(CodePointSet.Of(KelvinSign)),
            's' => set.Union(CodePointSet.Of(LongS)),
            _ => set,
        };
    }

    /// <summary>A set with the characters equal to its own; null if it goes beyond ASCII.</summary>
    public static CodePointSet? Close(CodePointSet set)
    {
        if (!set.Except(CharacterSets.Ascii).IsEmpty)
            return null;
        return Enumerable.Range(0, 0x80).Where(set.Contains).Aggregate(set, (all, c) => all.Union(Of(c)!));
    }

    /// <summary>Whether two characters after each other equal one: "ss" equals "ß", "st" a ligature.</summary>
    public static bool MayJoin(int left, int right) =>
        ((char)(left | 0x20), (char)(right | 0x20)) is ('s', 's') or ('s', 't') or ('f', 'f') or ('f', 'i') or ('f', 'l');
}
