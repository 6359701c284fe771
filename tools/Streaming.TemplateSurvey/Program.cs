using Streaming.TemplateSurvey;

// Compares our renderings of public chat templates with Python's, and writes the table to stdout as Markdown:
//   python3 tests/Streaming.Jinja.Tests/Oracle/render_templates.py FOLDER | dotnet run --project tools/Streaming.TemplateSurvey
List<SurveyedTemplate> templates = [];
while (Console.In.ReadLine() is { } line)
    templates.Add(SurveyedTemplate.Compare(line));
Console.Out.Write(SurveyTable.Write(templates));
return templates.Any(t => t.Verdict == Verdict.Different) ? 1 : 0;
