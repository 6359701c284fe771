namespace Streaming.Jinja.Syntax;

/// <summary>Tells whether filters and tests exist.</summary>
internal interface IKnownNames
{
    /// <exception cref="JinjaException">There is no such filter, or it is one that is not supported.</exception>
    void RequireFilter(string name, int line);

    /// <exception cref="JinjaException">There is no such test.</exception>
    void RequireTest(string name, int line);
}
