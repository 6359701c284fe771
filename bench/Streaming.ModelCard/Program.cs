using System.CommandLine;
using Streaming.Inference;
using Streaming.ModelCard;
using Streaming.Tooling;

// Writes models/README.md from its template, a training's metrics and an evaluation, so that no number is copied by hand.
// The defaults are the files of the embedded model.
Option<string> PathOption(string name, string description, params string[] standard) =>
    new(name) { Description = description, DefaultValueFactory = _ => Repository.PathTo(["models", .. standard]) };

Option<string> model = PathOption("--model", "The checkpoint.", "starter");
Option<string> run = PathOption("--run", "The training's work folder, with its CSV files.", "evaluation", "training");
Option<string> evaluation = PathOption("--evaluation", "The JSON file of `streaming evaluate`.", "evaluation", "evaluation.json");
Option<string> perplexity = PathOption(
    "--perplexity",
    "The lines of `streaming perplexity --json` for each policy.",
    "evaluation",
    "perplexity.jsonl"
);
Option<string> mixture = PathOption("--mixture", "The mixture.", "mixture.json");
Option<string> template = PathOption("--template", "The card's template.", "card-template.md");
Option<string> output = PathOption("--output", "The folder for the card and its plots.");
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
