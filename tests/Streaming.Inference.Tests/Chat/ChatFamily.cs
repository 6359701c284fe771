using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using Streaming.Inference.Chat;
using Streaming.Inference.Tests.Checkpoints;
using Streaming.Inference.Tests.Tokenizing;
using Streaming.Inference.Tokenizing;

namespace Streaming.Inference.Tests.Chat;

/// <summary>A family's published chat template and a vocabulary with its control tokens; loaded once.</summary>
internal sealed class ChatFamily
{
    private static readonly ConcurrentDictionary<string, Lazy<ChatFamily>> Loaded = new();
    private static readonly FakeTimeProvider Clock = new(new DateTimeOffset(2031, 3, 7, 9, 5, 2, TimeSpan.Zero));

    private ChatFamily(string name)
    {
        string folder = Directory.CreateTempSubdirectory("chat-").FullName;
        (string vocabulary, string bos, string eos, JsonObject[] added) = name switch
        {
            "llama3" or "llama3.1" => ("llama3", "<|begin_of_text|>", "<|eot_id|>", []),
            "mistral-v0.1" => ("mistral", "<s>", "</s>", []),
            "mistral-v0.3" => ("mistral", "<s>", "</s>", [Added(32000, "[INST]"), Added(32001, "[/INST]")]),
            "phi3" => (
                "mistral",
                "<s>",
                "<|endoftext|>",
                [
                    Added(32000, "<|endoftext|>"),
                    Added(32001, "<|assistant|>", rstrip: true),
                    Added(32006, "<|system|>", rstrip: true),
                    Added(32007, "<|end|>", rstrip: true),
                    Added(32010, "<|user|>", rstrip: true),
                ]
            ),
            _ => ("qwen3", "", "<|im_end|>", (JsonObject[])[]),
        };
        JsonObject json = JsonNode.Parse(File.ReadAllText(Path.Combine(Vocabularies.FolderOf(vocabulary), "tokenizer.json")))!.AsObject();
        if (name == "phi3")
            json["post_processor"] = null; // Phi-3 adds no BOS
        foreach (JsonObject token in added)
            json["added_tokens"]!.AsArray().Add((JsonNode)token);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), json.ToJsonString());
        File.WriteAllText(
            Path.Combine(folder, "tokenizer_config.json"),
            new JsonObject { ["bos_token"] = bos, ["eos_token"] = eos }.ToJsonString()
        );
        File.Copy(
            Path.Combine(ModelFolders.Root, "tests", "Streaming.Inference.Tests", "Chat", "templates", name + ".jinja"),
            Path.Combine(folder, "chat_template.jinja")
        );
        Tokenizer = Tokenizer.Load(folder);
        Format = ChatFormat.Load(folder, Tokenizer, Clock);
        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A family by the name of its template; its clock is stopped at 9:05:02 on 7 March 2031.</summary>
    public static ChatFamily Get(string name) => Loaded.GetOrAdd(name, n => new(() => new ChatFamily(n))).Value;

    public Tokenizer Tokenizer { get; }

    public ChatFormat Format { get; }

    /// <summary>The ids of a whole rendered dialogue.</summary>
    public int[] Whole(string rendered) => Tokenizer.Encode(rendered, parseControl: true, addSpecial: false);

    private static JsonObject Added(int id, string content, bool rstrip = false) =>
        new()
        {
            ["id"] = id,
            ["content"] = content,
            ["single_word"] = false,
            ["lstrip"] = false,
            ["rstrip"] = rstrip,
            ["normalized"] = false,
            ["special"] = true,
        };
}
