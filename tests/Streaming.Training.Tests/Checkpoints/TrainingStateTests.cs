using System.Text.Json;
using Streaming.Training.DataLoading;

namespace Streaming.Training.Tests.Checkpoints;

public class TrainingStateTests
{
    [Fact]
    public void Keeps_the_field_names_of_stored_states()
    {
        const string packer = """{"Random":7,"Rests":[{"Ids":[5,6],"Learn":[false,true],"Cuts":[1],"Prompt":0}]}""";
        const string mixture = """{"Numbers":{"a":2},"Tokens":{"a":9},"Behind":{"a":-0.5}}""";

        PackerState readPacker = JsonSerializer.Deserialize<PackerState>(packer)!;
        MixtureState readMixture = JsonSerializer.Deserialize<MixtureState>(mixture)!;

        Document remainder = Assert.Single(readPacker.Remainders);
        Assert.Equal([false, true], remainder.LossMask);
        Assert.Equal([1], remainder.TurnStarts);
        Assert.Equal(packer, JsonSerializer.Serialize(readPacker));
        Assert.Equal(mixture, JsonSerializer.Serialize(readMixture));
    }
}
