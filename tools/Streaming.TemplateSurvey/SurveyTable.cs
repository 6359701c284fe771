using System.Globalization;
using System.Text;

namespace Streaming.TemplateSurvey;

/// <summary>The survey's result as Markdown.</summary>
internal static class SurveyTable
{
    public static string Write(IReadOnlyList<SurveyedTemplate> templates)
    {
        var page = new StringBuilder();
        page.AppendLine("| source | templates | equal | refused by both | refused here alone | different |");
        page.AppendLine("| --- | ---: | ---: | ---: | ---: | ---: |");
        foreach (IGrouping<string, SurveyedTemplate> source in templates.GroupBy(t => t.Source).OrderBy(g => g.Key, StringComparer.Ordinal))
            AppendCounts(page, source.Key, [.. source]);
        AppendCounts(page, "**all**", templates);
        SurveyedTemplate[] others = [.. templates.Where(t => t.Verdict != Verdict.Equal)];
        if (others.Length > 0)
        {
            page.AppendLine().AppendLine("| not equal | source | verdict | reason |").AppendLine("| --- | --- | --- | --- |");
            foreach (SurveyedTemplate template in others)
                page.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"| {Cell(template.Name)} | {template.Source} | {Words(template.Verdict)} | {Cell(template.Reason)} |"
                );
        }
        page.AppendLine().AppendLine("## All templates").AppendLine();
        foreach (IGrouping<string, SurveyedTemplate> source in templates.GroupBy(t => t.Source).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            page.AppendLine(CultureInfo.InvariantCulture, $"- {source.Key}:");
            foreach (SurveyedTemplate template in source)
                page.AppendLine(CultureInfo.InvariantCulture, $"  - `{template.Name}`: {Words(template.Verdict)}");
        }
        return page.ToString();
    }

    private static void AppendCounts(StringBuilder page, string title, IReadOnlyList<SurveyedTemplate> templates)
    {
        int Count(Verdict verdict) => templates.Count(t => t.Verdict == verdict);
        page.AppendLine(
            CultureInfo.InvariantCulture,
            $"| {title} | {templates.Count} | {Count(Verdict.Equal)} | {Count(Verdict.RefusedByBoth)} | "
                + $"{Count(Verdict.RefusedByUs)} | {Count(Verdict.Different)} |"
        );
    }

    private static string Words(Verdict verdict) =>
        verdict switch
        {
            Verdict.Equal => "equal",
            Verdict.RefusedByBoth => "refused by both",
            Verdict.RefusedByUs => "refused here alone",
            _ => "different",
        };

    private static string Cell(string text) => text.ReplaceLineEndings(" ").Replace("|", "\\|", StringComparison.Ordinal);
}
