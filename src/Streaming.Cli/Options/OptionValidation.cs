using System.CommandLine;

namespace Streaming.Cli.Options;

/// <summary>Validation that several options share.</summary>
internal static class OptionValidation
{
    /// <summary>Refuses an empty path.</summary>
    public static Option<T> NotEmpty<T>(this Option<T> option)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: "" }])
                result.AddError($"{option.Name} is empty: name a path, or leave it out");
        });
        return option;
    }
}
