using Microsoft.Extensions.Options;

namespace Streaming.Gateway.Identity;

/// <summary>The settings of guest sign-in, in the section <c>Streaming</c>.</summary>
internal sealed class GuestOptions
{
    /// <summary>New guests that one address may be in a minute.</summary>
    public int GuestsPerMinute { get; set; } = 300;
}

internal sealed class GuestOptionsValidation : IValidateOptions<GuestOptions>
{
    public ValidateOptionsResult Validate(string? name, GuestOptions options) =>
        options.GuestsPerMinute >= 1
            ? ValidateOptionsResult.Success
            : ValidateOptionsResult.Fail($"Streaming:GuestsPerMinute is {options.GuestsPerMinute}: it must be 1 or more.");
}
