using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests;

/// <summary>Sampling at and beyond the ends of its ranges, over the hub.</summary>
public class SamplingInputTests
{
    private static readonly (string Sampling, string Sentence)[] s_refused =
    [
        ("""{ "repeatPenalty": 5e-324 }""", "sampling.repeatPenalty is 5E-324; it must be 0.000001 to 100."),
        ("""{ "repeatPenalty": 1e400 }""", "sampling.repeatPenalty is Infinity; it must be 0.000001 to 100."),
        ("""{ "temperature": -5e-324 }""", "sampling.temperature is -5E-324; it must be 0 to 100."),
        ("""{ "temperature": 1e400 }""", "sampling.temperature is Infinity; it must be 0 to 100."),
        ("""{ "temperature": "NaN" }""", "The method does not take these arguments: "),
        ("""{ "topP": 0 }""", "sampling.topP is 0; it must be above 0 and at most 1."),
        ("""{ "minP": -1e400 }""", "sampling.minP is -Infinity; it must be 0 to 1."),
        ("""{ "logitBias": { "5": 1e39 } }""", "sampling.logitBias[5] is 1E+39; it must be -100 to 100."),
        ("""{ "logitBias": { "5": -1e400 } }""", "sampling.logitBias[5] is -Infinity; it must be -100 to 100."),
        ("""{ "logitBias": { "4096": 1 } }""", "sampling.logitBias names the token 4096; the checkpoint has 4096, counted from 0."),
        ("""{ "presencePenalty": 1e39 }""", "sampling.presencePenalty is 1E+39; it must be -2 to 2."),
    ];

    private static readonly string[] s_accepted =
    [
        """{ "maxTokens": 3, "ignoreEos": true, "temperature": 5e-324 }""",
        """{ "maxTokens": 3, "ignoreEos": true, "temperature": 1e-310, "topP": 5e-324, "minP": 5e-324, "typicalP": 5e-324 }""",
        """{ "maxTokens": 3, "ignoreEos": true, "temperature": 100, "topP": 5e-324, "typicalP": 5e-324 }""",
        """{ "maxTokens": 3, "ignoreEos": true, "repeatPenalty": 0.000001, "frequencyPenalty": -2, "presencePenalty": -2 }""",
        """{ "maxTokens": 3, "ignoreEos": true, "minP": 1, "logitBias": { "5": 100, "6": 5e-324 } }""",
    ];

    [Fact]
    public async Task Sampling_out_of_range_is_refused_by_both_calls_that_set_it_and_the_ends_of_the_ranges_give_replies()
    {
        using var data = new TemporaryFolder();
        await using HostProcess silo = await HostProcess.Silo(data.Path, ClusterPorts.Free()).StartAsync();
        await using ChatClient client = await ChatClient.ConnectAsync(silo.Url);
        string id = (await client.CreateAsync(new { })).Id;

        foreach ((string text, string sentence) in s_refused)
        {
            var sampling = JsonElement.Parse(text);
            HubException atCreation = await Assert.ThrowsAsync<HubException>(() => client.CreateAsync(new { sampling }));
            HubException later = await Assert.ThrowsAsync<HubException>(() => client.ConfigureAsync(id, new { sampling }));
            Assert.StartsWith(sentence, atCreation.Message, StringComparison.Ordinal);
            Assert.StartsWith(sentence, later.Message, StringComparison.Ordinal);
        }
        foreach (string text in s_accepted)
        {
            string talk = (await client.CreateAsync(new { sampling = JsonElement.Parse(text) })).Id;
            await client.SendAsync(talk, "Hello!");
            var watcher = new Watcher(talk);
            Assert.True(await watcher.UntilAsync(client, e => e.Kind == "finished"));
            Assert.Equal((text, "length"), (text, watcher.Events[^1].FinishReason));
        }
    }
}
