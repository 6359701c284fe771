using System.Globalization;

namespace Streaming.Inference.Tokenizing;

/// <summary>Unicode's data for canonical decomposition and composition, read from <c>nfc.txt</c> on first use.</summary>
internal sealed class CanonicalData
{
    private static readonly Lazy<CanonicalData> Only = new(() => new CanonicalData());

    private readonly Dictionary<int, byte> _classes = [];
    private readonly Dictionary<int, (int First, int Second)> _decompositions = []; // Second is 0 for a single character
    private readonly Dictionary<long, int> _compositions = [];
    private readonly HashSet<int> _seconds = []; // characters that may compose with an earlier one

    private CanonicalData()
    {
        using Stream resource =
            typeof(CanonicalData).Assembly.GetManifestResourceStream("nfc.txt")
            ?? throw new InvalidOperationException("The build did not embed nfc.txt.");
        using var reader = new StreamReader(resource);
        while (reader.ReadLine() is string line)
        {
            switch (line.Split(' '))
            {
                case ["c", string range, string combiningClass]:
                    int[] ends = [.. range.Split('-').Select(Hexadecimal)];
                    for (int c = ends[0]; c <= ends[^1]; c++)
                        _classes[c] = byte.Parse(combiningClass, CultureInfo.InvariantCulture);
                    break;
                case ["s", string character, string only]:
                    _decompositions[Hexadecimal(character)] = (Hexadecimal(only), 0);
                    break;
                case [string kind and ("s" or "d"), string character, string first, string second]:
                    (int composed, int left, int right) = (Hexadecimal(character), Hexadecimal(first), Hexadecimal(second));
                    _decompositions[composed] = (left, right);
                    if (kind == "d")
                    {
                        _compositions[Pair(left, right)] = composed;
                        _seconds.Add(right);
                    }
                    break;
            }
        }
    }

    /// <summary>The data.</summary>
    public static CanonicalData Instance => Only.Value;

    /// <summary>The canonical combining class; 0 for starters.</summary>
    public byte ClassOf(int character) => _classes.GetValueOrDefault(character);

    /// <summary>The first step of a decomposition; the second part is 0 if there is none.</summary>
    public bool TryDecompose(int character, out (int First, int Second) parts) => _decompositions.TryGetValue(character, out parts);

    /// <summary>The composition of two characters.</summary>
    public bool TryCompose(int first, int second, out int composed) => _compositions.TryGetValue(Pair(first, second), out composed);

    /// <summary>Whether normalization may change a character, alone or with an earlier one.</summary>
    public bool Matters(int character) =>
        _classes.ContainsKey(character) || _decompositions.ContainsKey(character) || _seconds.Contains(character);

    private static long Pair(int first, int second) => ((long)first << 32) | (uint)second;

    private static int Hexadecimal(string digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
