using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Makes libLibTorchSharp.so loadable where libstdc++ is older than GCC 13's. The library asks for
/// GLIBCXX_3.4.32 because of one symbol, _ZSt21ios_base_library_initv (the standard streams'
/// initialiser, which libtorch runs itself). The task points that requirement at GLIBCXX_3.4.20 and
/// renames the symbol to _ZSt15get_new_handlerv, a harmless function of that version without arguments.
/// </summary>
public class MendLibTorchSharp : Task
{
    private const string Wanted = "GLIBCXX_3.4.32";
    private const string Present = "GLIBCXX_3.4.20";
    private const string Symbol = "_ZSt21ios_base_library_initv";
    private const string Harmless = "_ZSt15get_new_handlerv";

    /// <summary>The output or publish folder to look in.</summary>
    [Required]
    public string Folder { get; set; }

    public override bool Execute()
    {
        if (SystemHasWantedVersion() || !Directory.Exists(Folder))
            return true;
        foreach (string file in Directory.GetFiles(Folder, "libLibTorchSharp.so", SearchOption.AllDirectories))
        {
            byte[] image = File.ReadAllBytes(file);
            if (!Mend(image))
                continue;
            // A new file in the old one's place: the old one may be a link into the package cache.
            string mended = file + ".mended";
            File.WriteAllBytes(mended, image);
            File.Delete(file);
            File.Move(mended, file);
            // A load that failed before may have left TorchSharp's fallback folder half filled.
            string leftover = Path.Combine(Path.GetDirectoryName(file), "cpu");
            if (Directory.Exists(leftover))
                Directory.Delete(leftover, true);
            Log.LogMessage(MessageImportance.Normal, "Mended " + file + ": this system's libstdc++ lacks " + Wanted + ".");
        }
        return true;
    }

    private static bool SystemHasWantedVersion()
    {
        foreach (string folder in new[] { "/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/lib64", "/usr/lib" })
        {
            string library = Path.Combine(folder, "libstdc++.so.6");
            if (File.Exists(library))
                return IndexOf(File.ReadAllBytes(library), Encoding.ASCII.GetBytes(Wanted + "\0"), 0) >= 0;
        }
        return true; // Not a system we know: leave everything alone.
    }

    /// <summary>Edits an ELF64 image in place; false when it does not ask for the wanted version.</summary>
    private static bool Mend(byte[] image)
    {
        if (image.Length < 64 || image[0] != 0x7f || image[1] != 'E' || image[4] != 2)
            return false;
        long sections = BitConverter.ToInt64(image, 0x28);
        int sectionSize = BitConverter.ToUInt16(image, 0x3a),
            count = BitConverter.ToUInt16(image, 0x3c);
        for (int i = 0; i < count; i++)
        {
            long header = sections + (long)i * sectionSize;
            const uint versionNeeds = 0x6ffffffe; // SHT_GNU_verneed
            if (BitConverter.ToUInt32(image, (int)header + 4) != versionNeeds)
                continue;
            long needs = BitConverter.ToInt64(image, (int)header + 24);
            long strings = sections + (long)BitConverter.ToUInt32(image, (int)header + 40) * sectionSize;
            return MendVersions(
                image,
                needs,
                BitConverter.ToInt64(image, (int)strings + 24),
                BitConverter.ToInt64(image, (int)strings + 32)
            );
        }
        return false;
    }

    private static bool MendVersions(byte[] image, long needs, long strings, long stringsSize)
    {
        long wanted = -1,
            present = -1;
        for (long need = needs; ; need += BitConverter.ToUInt32(image, (int)need + 12))
        {
            int versions = BitConverter.ToUInt16(image, (int)need + 2);
            long entry = need + BitConverter.ToUInt32(image, (int)need + 8);
            for (int i = 0; i < versions; i++, entry += BitConverter.ToUInt32(image, (int)entry + 12))
            {
                string name = Text(image, strings + BitConverter.ToUInt32(image, (int)entry + 8));
                if (name == Wanted)
                    wanted = entry;
                if (name == Present)
                    present = entry;
            }
            if (BitConverter.ToUInt32(image, (int)need + 12) == 0)
                break;
        }
        int symbol = IndexOf(image, Encoding.ASCII.GetBytes("\0" + Symbol + "\0"), (int)strings);
        if (wanted < 0 || present < 0 || symbol < 0 || symbol >= strings + stringsSize)
            return false;
        Array.Copy(image, present, image, wanted, 4); // the version's hash
        Array.Copy(image, present + 8, image, wanted + 8, 4); // the offset of its name
        byte[] harmless = Encoding.ASCII.GetBytes("\0" + Harmless + "\0");
        Array.Copy(harmless, 0, image, symbol, harmless.Length);
        return true;
    }

    private static string Text(byte[] image, long offset)
    {
        int end = Array.IndexOf(image, (byte)0, (int)offset);
        return Encoding.ASCII.GetString(image, (int)offset, end - (int)offset);
    }

    private static int IndexOf(byte[] image, byte[] pattern, int from)
    {
        for (int i = from; i <= image.Length - pattern.Length; i++)
        {
            int j = 0;
            while (j < pattern.Length && image[i + j] == pattern[j])
                j++;
            if (j == pattern.Length)
                return i;
        }
        return -1;
    }
}
