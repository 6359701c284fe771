using Microsoft.Data.Sqlite;
using Streaming.Storage.Sqlite;
using Streaming.Storage.Tests.Log;

namespace Streaming.Storage.Tests.Sqlite;

/// <summary>Opening: one host per folder, and only files and versions of this program.</summary>
public sealed class SqliteStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_folder_is_created_for_its_owner_alone()
    {
        string path = Path.Combine(_folder.Path, "new", "data");

        using (SqliteLogUnderTest.OpenStore(path))
        {
            Assert.True(File.Exists(Path.Combine(path, "conversations.db")));
            if (OperatingSystem.IsWindows())
                return;
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(path));
            foreach (string file in Directory.GetFiles(path))
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public void A_second_store_on_the_same_folder_is_refused_until_the_first_is_closed()
    {
        using (SqliteLogUnderTest.OpenStore(_folder.Path))
        {
            StoreOpenException error = Assert.Throws<StoreOpenException>(() => SqliteLogUnderTest.OpenStore(_folder.Path));
            Assert.Equal(
                $"The data folder {_folder.Path} is in use by another host; stop that one, or give this one a folder of its own "
                    + "(Streaming:Data).",
                error.Message
            );
        }

        SqliteLogUnderTest.OpenStore(_folder.Path).Dispose();
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_refused()
    {
        string file = Path.Combine(_folder.Path, "file");
        File.WriteAllText(file, "not a folder");

        StoreOpenException error = Assert.Throws<StoreOpenException>(() => SqliteLogUnderTest.OpenStore(Path.Combine(file, "data")));

        Assert.StartsWith($"The data folder {Path.Combine(file, "data")} cannot be written (", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("); make it writable, or choose another (Streaming:Data).", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_of_a_newer_schema_is_refused_and_left_unchanged()
    {
        SqliteLogUnderTest.OpenStore(_folder.Path).Dispose();
        Run("UPDATE schema_version SET version = 2");

        StoreOpenException error = Assert.Throws<StoreOpenException>(() => SqliteLogUnderTest.OpenStore(_folder.Path));

        Assert.Equal(
            $"{_folder.Database} has schema version 2, and this program knows version 1: run the program that wrote it, or a newer one.",
            error.Message
        );
        Run("UPDATE schema_version SET version = 1");
        SqliteLogUnderTest.OpenStore(_folder.Path).Dispose();
    }

    [Fact]
    public async Task A_file_of_commit_4960d36_opens_and_its_conversations_continue()
    {
        using (SqliteStore store = SqliteLogUnderTest.OpenStore(_folder.Path))
        {
            TestWriter before = await TestWriter.CreateAsync(new SqliteConversationLog(store));
            await before.AppendAsync(before.Message("hello"));
        }

        Run("ALTER TABLE heads DROP COLUMN required_version"); // That commit's table has no such column.
        using SqliteStore opened = SqliteLogUnderTest.OpenStore(_folder.Path);
        TestWriter writer = await TestWriter.OpenAsync(new SqliteConversationLog(opened));

        Assert.Equal((2L, 1L, 1), (writer.Head.Epoch, writer.Head.LastSeq, writer.Head.RequiredVersion));
        await writer.AppendAsync(writer.Group("a"));
        Assert.Equal(2, writer.Head.LastSeq);
    }

    [Fact]
    public void A_database_of_another_program_is_refused()
    {
        Run("CREATE TABLE recipes (name TEXT)");

        StoreOpenException error = Assert.Throws<StoreOpenException>(() => SqliteLogUnderTest.OpenStore(_folder.Path));

        Assert.Equal(
            $"{_folder.Database} is a SQLite database of another program; move it away, or choose another data folder (Streaming:Data).",
            error.Message
        );
    }

    [Fact]
    public void A_file_that_is_no_database_is_refused_and_left_unchanged()
    {
        File.WriteAllText(_folder.Database, new string('x', 5_000));

        StoreOpenException error = Assert.Throws<StoreOpenException>(() => SqliteLogUnderTest.OpenStore(_folder.Path));

        Assert.StartsWith($"{_folder.Database} cannot be opened as a SQLite database (", error.Message, StringComparison.Ordinal);
        Assert.Equal(new string('x', 5_000), File.ReadAllText(_folder.Database));
    }

    [Fact]
    public void A_commit_is_synced_to_disk_and_erased_text_is_overwritten()
    {
        SqliteLogUnderTest.OpenStore(_folder.Path).Dispose();
        using var session = new SqliteSession(_folder.Database, readOnly: false);

        Assert.Equal(2, session.Number("PRAGMA synchronous")); // FULL
        Assert.Equal(1, session.Number("PRAGMA foreign_keys"));
        Assert.Equal(1, session.Number("PRAGMA secure_delete"));
        Assert.Equal(1_000, session.Number("PRAGMA wal_autocheckpoint"));
        Assert.Equal("wal", session.First("PRAGMA journal_mode", row => row.GetString(0)));
    }

    [Fact]
    public void A_reader_cannot_write()
    {
        SqliteLogUnderTest.OpenStore(_folder.Path).Dispose();
        using var session = new SqliteSession(_folder.Database, readOnly: true);

        Assert.Throws<SqliteException>(() => session.Execute("DELETE FROM heads"));
    }

    private void Run(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={_folder.Database};Pooling=False");
        connection.Open();
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
