namespace Streaming.Storage.Sqlite;

/// <summary>The tables of a store's file, and their version. Times are UTC ticks (100 ns).</summary>
internal static class SqliteSchema
{
    /// <summary>The schema version that this program reads and writes.</summary>
    public const int Version = 1;

    // WITHOUT ROWID keeps the rows of a log together, in the tree of their key, so a page of history is a few pages of the file.
    private const string Tables = """
        CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;

        CREATE TABLE heads (
            log         INTEGER PRIMARY KEY AUTOINCREMENT,  -- stands for the id in other tables; never reused
            id          TEXT    NOT NULL UNIQUE,
            owner       TEXT    NOT NULL,
            title       TEXT,
            created_at  INTEGER NOT NULL,
            active_at   INTEGER NOT NULL,
            hidden_at   INTEGER,
            epoch       INTEGER NOT NULL DEFAULT 0,
            writer      TEXT    NOT NULL DEFAULT '',
            last_seq    INTEGER NOT NULL DEFAULT 0,
            position    INTEGER NOT NULL DEFAULT 0,
            branch      INTEGER NOT NULL DEFAULT 0,
            last_turn   INTEGER NOT NULL DEFAULT 0,
            running     INTEGER NOT NULL DEFAULT 0,
            state       TEXT    NOT NULL DEFAULT '',
            last_append BLOB,                               -- digest of the last append, to recognise its repetition
            required_version INTEGER NOT NULL DEFAULT 1     -- the oldest version that may write the conversation
        ) STRICT;
        CREATE INDEX heads_owned   ON heads (owner, active_at, id) WHERE hidden_at IS NULL;
        CREATE INDEX heads_running ON heads (id) WHERE running = 1 AND hidden_at IS NULL;
        CREATE INDEX heads_hidden  ON heads (hidden_at, id) WHERE hidden_at IS NOT NULL;

        CREATE TABLE events (
            log         INTEGER NOT NULL REFERENCES heads (log),
            last_seq    INTEGER NOT NULL,
            first_seq   INTEGER NOT NULL,
            kind        TEXT    NOT NULL,
            turn        INTEGER NOT NULL,
            author      TEXT,
            text        TEXT    NOT NULL,
            text_offset INTEGER NOT NULL,
            lengths     BLOB,                               -- varints, one per number; null for none
            at          INTEGER NOT NULL,
            detail      TEXT,
            PRIMARY KEY (log, last_seq)
        ) STRICT, WITHOUT ROWID;

        -- Branch 0 has no row: it starts at 0 and has no parent.
        CREATE TABLE branches (
            log         INTEGER NOT NULL REFERENCES heads (log),
            branch      INTEGER NOT NULL,
            start       INTEGER NOT NULL,
            parent      INTEGER NOT NULL,                   -- the nearest branch that has ids before the start
            PRIMARY KEY (log, branch)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE ids (
            log         INTEGER NOT NULL REFERENCES heads (log),
            branch      INTEGER NOT NULL,
            position    INTEGER NOT NULL,                   -- of the row's first id
            ids         BLOB    NOT NULL,                   -- varints
            PRIMARY KEY (log, branch, position)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE receipts (
            log          INTEGER NOT NULL REFERENCES heads (log),
            message_hash TEXT    NOT NULL,
            text_hash    TEXT    NOT NULL,
            turn         INTEGER NOT NULL,
            seq          INTEGER NOT NULL,
            PRIMARY KEY (log, message_hash)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE grain_states (
            name  TEXT NOT NULL,
            grain TEXT NOT NULL,
            etag  TEXT NOT NULL,
            state BLOB NOT NULL,
            PRIMARY KEY (name, grain)
        ) STRICT;
        """;

    /// <summary>Creates the tables in an empty file. In another file, checks that they are this program's and of its version.</summary>
    /// <exception cref="StoreOpenException">They are another program's, or of another schema version.</exception>
    public static void Prepare(SqliteSession session, string database)
    {
        if (session.Number("SELECT count(*) FROM sqlite_schema") == 0)
        {
            session.Run("PRAGMA page_size = 4096");
            session.Run("PRAGMA journal_mode = WAL");
            session.Run($"BEGIN IMMEDIATE; {Tables} INSERT INTO schema_version VALUES ({Version}); COMMIT;");
            return;
        }

        if (session.Number("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'") is null)
            throw new StoreOpenException(
                $"{database} is a SQLite database of another program; move it away, or choose another data folder (Streaming:Data)."
            );

        long? found = session.Number("SELECT max(version) FROM schema_version");
        if (found is not Version)
            throw StoreOpenException.OtherSchema(database, found, Version);
        session.Run("PRAGMA journal_mode = WAL");
        AddRequiredVersion(session);
    }

    /// <summary>Adds the column that files of commit 4960d36 lack. That commit's program ignores it, so the version stays.</summary>
    private static void AddRequiredVersion(SqliteSession session)
    {
        if (session.Number("SELECT 1 FROM pragma_table_info('heads') WHERE name = 'required_version'") is null)
            session.Run("ALTER TABLE heads ADD COLUMN required_version INTEGER NOT NULL DEFAULT 1");
    }
}
