using System.Text;

namespace Streaming.Inference.Tokenizing;

/// <summary>
/// Unicode's normalization form C (Unicode Standard, section 3.11). .NET needs ICU for it: without ICU,
/// <see cref="string.Normalize(NormalizationForm)"/> returns the text unchanged, and the ids would be wrong.
/// </summary>
internal static class CanonicalComposition
{
    private const char FirstCombining = '\u0300'; // all earlier characters are composed

    // Hangul (section 3.12): 19 leading consonants, 21 vowels, 27 trailing consonants or none.
    private const int SyllableBase = 0xAC00,
        LeadBase = 0x1100,
        VowelBase = 0x1161,
        TrailBase = 0x11A7;
    private const int Leads = 19,
        Vowels = 21,
        Trails = 28,
        Syllables = Leads * Vowels * Trails;

    /// <summary>Normalizes a text without unpaired surrogates, in nearly linear time for any content.</summary>
    public static string Of(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange(FirstCombining, char.MaxValue))
            return text;
        CanonicalData data = CanonicalData.Instance;
        bool matters = false;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (rune.Value >= FirstCombining && (IsHangulPart(rune.Value) || data.Matters(rune.Value)))
            {
                matters = true;
                break;
            }
        }
        if (!matters)
            return text;
        List<int> characters = Decomposed(text, data);
        Order(characters, data);
        return Composed(characters, data);
    }

    private static List<int> Decomposed(string text, CanonicalData data)
    {
        var characters = new List<int>(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
            Decompose(rune.Value, characters, data);
        return characters;
    }

    private static void Decompose(int character, List<int> into, CanonicalData data)
    {
        if (character - SyllableBase is >= 0 and < Syllables and int syllable)
        {
            into.Add(LeadBase + syllable / (Vowels * Trails));
            into.Add(VowelBase + syllable % (Vowels * Trails) / Trails);
            if (syllable % Trails > 0)
                into.Add(TrailBase + syllable % Trails);
        }
        else if (data.TryDecompose(character, out (int First, int Second) parts))
        {
            Decompose(parts.First, into, data);
            if (parts.Second > 0)
                Decompose(parts.Second, into, data);
        }
        else
        {
            into.Add(character);
        }
    }

    /// <summary>Sorts each run of combining characters by class, with a stable sort.</summary>
    private static void Order(List<int> characters, CanonicalData data)
    {
        for (int start = 0; start < characters.Count; )
        {
            int end = start;
            while (end < characters.Count && data.ClassOf(characters[end]) > 0)
                end++;
            if (end - start > 1)
            {
                int[] ordered = [.. characters[start..end].OrderBy(c => data.ClassOf(c))]; // stable; n log n even for hostile runs
                for (int i = 0; i < ordered.Length; i++)
                    characters[start + i] = ordered[i];
            }
            start = end + 1;
        }
    }

    private static string Composed(List<int> characters, CanonicalData data)
    {
        int starter = -1; // the place of the last starter
        int before = 0; // class of the previous kept character; 0 right after the starter
        int count = 0;
        for (int i = 0; i < characters.Count; i++)
        {
            int character = characters[i],
                combining = data.ClassOf(character);
            bool adjacent = count - 1 == starter;
            if (starter >= 0 && (adjacent || before < combining) && TryCompose(characters[starter], character, data, out int composed))
            {
                characters[starter] = composed;
                continue;
            }
            if (combining == 0)
                starter = count;
            before = combining;
            characters[count++] = character;
        }
        var text = new StringBuilder(count);
        for (int i = 0; i < count; i++)
            text.Append(new Rune(characters[i]));
        return text.ToString();
    }

    private static bool TryCompose(int first, int second, CanonicalData data, out int composed)
    {
        if (first - LeadBase is >= 0 and < Leads and int lead && second - VowelBase is >= 0 and < Vowels and int vowel)
        {
            composed = SyllableBase + (lead * Vowels + vowel) * Trails;
            return true;
        }
        if (
            first - SyllableBase is >= 0 and < Syllables and int syllable
            && syllable % Trails == 0
            && second - TrailBase is > 0 and < Trails and int trail
        )
        {
            composed = first + trail;
            return true;
        }
        return data.TryCompose(first, second, out composed);
    }

    private static bool IsHangulPart(int character) => character is >= LeadBase and < TrailBase + Trails;
}
