using System.CommandLine;
using Streaming.Inference;
using Streaming.ModelCard;
using Streaming.Tooling;

// Writes models/README.md from a training's figures and an evaluation; nothing in it is copied by hand.
Option<string> Folder(string name, string description, string? standard = null)
{
    var option = new Option<string>(name) { Description = description, Required = standard is null };
    if (standard is not null)
        option.DefaultValueFactory = _ => standard;
    return option;
}

Option<string> model = Folder("--model", "The checkpoint."),
    run = Folder("--run", "The training's work folder with its CSV files.");
Option<string> evaluation = Folder("--evaluation", "What `streaming evaluate` printed, a JSON file.");
Option<string> perplexity = Folder("--perplexity", "What `streaming perplexity --json` printed under each policy, a line each.");
Option<string> mixture = Folder("--mixture", "The mixture.", Repository.PathTo("models", "mixture.json"));
Option<string> template = Folder("--template", "The card with its places.", Repository.PathTo("models", "card-template.md"));
Option<string> output = Folder("--output", "Where the card and its plots go.", Repository.PathTo("models"));
var root = new RootCommand("Writes the model card.") { model, run, evaluation, perplexity, mixture, template, output };
root.SetAction(parsed =>
{
    try
    {
        var card = Card.Read(
            parsed.GetRequiredValue(model),
            parsed.GetRequiredValue(run),
            parsed.GetRequiredValue(evaluation),
            parsed.GetRequiredValue(perplexity),
            parsed.GetRequiredValue(mixture)
        );
        card.Write(parsed.GetRequiredValue(template), parsed.GetRequiredValue(output));
        return 0;
    }
    catch (InputException e)
    {
        Console.Error.WriteLine(e.Message);
        return 2;
    }
});
return root.Parse(args).Invoke();
