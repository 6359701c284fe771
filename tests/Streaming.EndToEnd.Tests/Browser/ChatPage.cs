using Microsoft.Playwright;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests.Browser;

/// <summary>The page as a person uses it; what it looks for is in the page's <c>testids.ts</c>.</summary>
internal sealed class ChatPage(IPage page)
{
    public IPage Page => page;

    /// <summary>The conversation in the address.</summary>
    public string ConversationId => page.Url[(page.Url.LastIndexOf('/') + 1)..];

    public ILocator Composer => Id("composer");

    public static async Task<ChatPage> OpenAsync(IBrowserContext person, string url, string? conversation = null)
    {
        IPage page = await person.NewPageAsync();
        await page.GotoAsync(conversation is null ? url : $"{url}/#/c/{conversation}");
        var chat = new ChatPage(page);
        await chat.Id("connection")
            .And(page.Locator("[data-state=live]"))
            .First.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        return chat;
    }

    public ILocator Id(string testId) => page.GetByTestId(testId);

    public ILocator Turn(int turn) => page.Locator($"[data-testid=turn][data-turn='{turn}']");

    /// <summary>Begins an endless conversation with a message.</summary>
    public async Task BeginEndlessAsync(string message)
    {
        await Id("new-conversation").ClickAsync();
        ILocator endless = Id("endless");
        if (!await endless.IsVisibleAsync())
            await Id("settings").Locator("summary").ClickAsync();
        await endless.SetCheckedAsync(true, new() { Force = true });
        await Composer.FillAsync(message);
        await Composer.PressAsync("Enter");
        await page.WaitForURLAsync("**/#/c/*");
    }

    /// <summary>Shows another conversation by its entry in the list.</summary>
    public async Task ShowAsync(string conversation)
    {
        await page.EvaluateAsync("id => { location.hash = '#/c/' + id; }", conversation);
        await page.Locator($"[data-testid=transcript][data-conversation='{conversation}'][data-loaded]").WaitForAsync();
    }

    /// <summary>A turn's text as the page received it.</summary>
    public Task<string> TextAsync(int turn) => Turn(turn).GetByTestId("turn-text").EvaluateAsync<string>("e => e.sourceText");

    /// <summary>Waits until a turn's text is longer than a length, and returns it.</summary>
    public async Task<string> TextBeyondAsync(int turn, int length)
    {
        await page.WaitForFunctionAsync(
            "([turn, length]) => (document.querySelector(`[data-testid=turn][data-turn='${turn}'] [data-testid=turn-text]`)?.sourceText?.length ?? 0) > length",
            new object[] { turn, length }
        );
        return await TextAsync(turn);
    }

    /// <summary>Waits until a reply has ended, and returns its text.</summary>
    public async Task<string> FinishedTextAsync(int turn)
    {
        await page.Locator($"[data-testid=turn][data-turn='{turn}'][data-state=done]").WaitForAsync();
        return await TextAsync(turn);
    }

    /// <summary>A program that signs in as the person in this browser.</summary>
    public async Task<ChatClient> ProgramAsync(string url)
    {
        IReadOnlyList<BrowserContextCookiesResult> cookies = await page.Context.CookiesAsync([url]);
        return await ChatClient.ConnectAsync(url, cookies.Single(c => c.Name == "streaming").Value);
    }
}
