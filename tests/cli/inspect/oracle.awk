# What mariadb-binlog says of each event, in the words of `baton inspect --events`: offset, end_log_pos,
# server id, type.  Reads the output of --base64-output=decode-rows -v.
/^# at [0-9]+$/ { at[last++] = $3; next }
/^#[0-9]+ +[0-9]+:[0-9]+:[0-9]+ server id [0-9]+ +end_log_pos / && first < last {
    end = server = ""
    for (i = 1; i <= NF; i++) {
        if ($i == "id" && server == "") server = $(i + 1)
        if ($i == "end_log_pos" && end == "") { end = $(i + 1); rest = i + 2 }
    }
    if ($rest == "CRC32") rest += 2
    head = at[first++] " " end " " server
    if ($rest == "") { waits = head; next }
    print head, name($rest, $0)
}
waits != "" && /^#[A-Z]/ { print waits, name($1, $0); waits = "" }

function name(what, line) {
    if (what == "Start:") return "FORMAT_DESCRIPTION"
    if (line ~ /\tXID = X/) return "XA_PREPARE"
    if (line ~ /Gtid list/) return "GTID_LIST"
    if (line ~ /Binlog checkpoint/) return "BINLOG_CHECKPOINT"
    if (what == "GTID") return "MARIADB_GTID"
    if (what == "Annotate_rows:") return "ANNOTATE_ROWS"
    if (what == "Table_map:") return "TABLE_MAP"
    if (what == "Write_rows:") return "WRITE_ROWS_V1"
    if (what == "Update_rows:") return "UPDATE_ROWS_V1"
    if (what == "Delete_rows:") return "DELETE_ROWS_V1"
    if (what == "Write_compressed_rows:") return "WRITE_ROWS_COMPRESSED_V1"
    if (what == "Update_compressed_rows:") return "UPDATE_ROWS_COMPRESSED_V1"
    if (what == "Delete_compressed_rows:") return "DELETE_ROWS_COMPRESSED_V1"
    if (what == "Query") return "QUERY"
    if (what == "Query_compressed") return "QUERY_COMPRESSED"
    if (what == "Xid") return "XID"
    if (what == "Rotate") return "ROTATE"
    if (what == "Stop") return "STOP"
    if (what == "Intvar") return "INTVAR"
    if (what == "Rand") return "RAND"
    if (what == "User_var") return "USER_VAR"
    if (what == "#Begin_load_query:") return "BEGIN_LOAD_QUERY"
    if (what == "#Append_block:") return "APPEND_BLOCK"
    if (what == "Execute_load_query") return "EXECUTE_LOAD_QUERY"
    if (what == "XA") return "XA_PREPARE"
    return what
}
