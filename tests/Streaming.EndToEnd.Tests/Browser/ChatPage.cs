using Microsoft.Playwright;
using Streaming.EndToEnd.Tests.Clients;

namespace Streaming.EndToEnd.Tests.Browser;

/// <summary>The page as a user sees it. Elements are found by the identifiers in the page's <c>testids.ts</c>.</summary>
internal sealed class ChatPage(IPage page)
{
    public IPage Page => page;

    /// <summary>The identifier of the conversation, from the address.</summary>
    public string ConversationId => page.Url[(page.Url.LastIndexOf('/') + 1)..];

    public ILocator Composer => Id("composer");

    public static async Task<ChatPage> OpenAsync(IBrowserContext guest, string url, string? conversation = null)
    {
        IPage page = await guest.NewPageAsync();
        await page.GotoAsync(conversation is null ? url : $"{url}/#/c/{conversation}");
        var chat = new ChatPage(page);
        await chat.Id("connection")
            .And(page.Locator("[data-state=live]"))
            .First.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        return chat;
    }

    public ILocator Id(string testId) => page.GetByTestId(testId);

    public ILocator Turn(int turn) => page.Locator($"[data-testid=turn][data-turn='{turn}']");

    /// <summary>Shows the form for a new conversation, and waits for it: the page replaces what is typed before.</summary>
    public async Task ShowStartAsync()
    {
        if (await Id("start").IsVisibleAsync())
            return;
        await Id("new-conversation").ClickAsync();
        await Id("start").WaitForAsync();
    }

    /// <summary>Starts a conversation with endless replies by its first message.</summary>
    public async Task BeginEndlessAsync(string message)
    {
        await ShowStartAsync();
        ILocator endless = Id("endless");
        if (!await endless.IsVisibleAsync())
            await Id("settings").Locator("summary").ClickAsync();
        await endless.SetCheckedAsync(true, new() { Force = true });
        await Composer.FillAsync(message);
        await Composer.PressAsync("Enter");
        try
        {
            // Not WaitForURLAsync: it loses an address that changes between its look and its subscription (playwright-dotnet#3364).
            await page.WaitForFunctionAsync("() => location.hash.startsWith('#/c/')");
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"No conversation was opened; the page says '{await Id("problem").TextContentAsync()}'.", e);
        }
    }

    /// <summary>Shows another conversation by its address.</summary>
    public async Task ShowAsync(string conversation)
    {
        await page.EvaluateAsync("id => { location.hash = '#/c/' + id; }", conversation);
        await page.Locator($"[data-testid=transcript][data-conversation='{conversation}'][data-loaded]").WaitForAsync();
    }

    /// <summary>The text of a turn, as the page received it.</summary>
    public Task<string> TextAsync(int turn) => Turn(turn).GetByTestId("turn-text").EvaluateAsync<string>("e => e.sourceText");

    /// <summary>Waits until the text of a turn is longer than a number of characters, and returns it.</summary>
    public async Task<string> TextBeyondAsync(int turn, int length)
    {
        await page.WaitForFunctionAsync(
            """
            ([turn, length]) =>
              (document.querySelector(`[data-testid=turn][data-turn='${turn}'] [data-testid=turn-text]`)?.sourceText?.length ?? 0) > length
            """,
            new object[] { turn, length }
        );
        return await TextAsync(turn);
    }

    /// <summary>Waits until a reply has finished, and returns its text.</summary>
    public async Task<string> FinishedTextAsync(int turn)
    {
        await page.Locator($"[data-testid=turn][data-turn='{turn}'][data-state=done]").WaitForAsync();
        return await TextAsync(turn);
    }

    /// <summary>A client that is signed in as the guest of this browser.</summary>
    public async Task<ChatClient> ProgramAsync(string url)
    {
        IReadOnlyList<BrowserContextCookiesResult> cookies = await page.Context.CookiesAsync([url]);
        return await ChatClient.ConnectAsync(url, cookies.Single(c => c.Name.StartsWith("streaming-", StringComparison.Ordinal)).Value);
    }
}
