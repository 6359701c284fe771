namespace Streaming.Storage.Sqlite;

/// <summary>The tables of a store's file, and their version. Times are UTC ticks (100 ns).</summary>
internal static class SqliteSchema
{
    /// <summary>The version that this program reads and writes.</summary>
    public const int Version = 1;

    // Rows of a log stand together (WITHOUT ROWID: the key's tree holds them), so that a page of history is a few pages of the file.
    private const string Tables = """
        CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;

        CREATE TABLE heads (
            log         INTEGER PRIMARY KEY AUTOINCREMENT,  -- a short name of the conversation, never used again
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
            last_append BLOB                                -- digest of the last append, by which its repetition is known
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
            lengths     BLOB,                               -- varints, one a number; null for none
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

    /// <summary>Creates the tables in an empty file; in any other, checks that they are ours and not of a newer version.</summary>
    /// <exception cref="StoreOpenException">They are not.</exception>
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

        var found = session.Number("SELECT max(version) FROM schema_version");
        if (found is not Version)
            throw new StoreOpenException(
                $"{database} has schema version {found} and this program knows version {Version}; run the program that wrote it, or a newer one."
            );
        session.Run("PRAGMA journal_mode = WAL");
    }
}
