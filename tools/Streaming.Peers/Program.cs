using Streaming.Peers;

switch (args)
{
    case ["llama", string jobs]:
        LlamaCpp.Run(jobs);
        return 0;
    case ["tokenize", string tokenizer, string texts, string ids]:
        HuggingFaceTokenizer.Run(tokenizer, texts, ids);
        return 0;
    default:
        Console.Error.WriteLine("Usage: Streaming.Peers llama JOBS.json | tokenize TOKENIZER.json TEXTS.json IDS.json");
        return 2;
}
