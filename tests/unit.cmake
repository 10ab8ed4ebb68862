bt_check(base_bytes USES base)
bt_check(base_text USES base)
bt_check(cli_option SOURCES ${PROJECT_SOURCE_DIR}/cli/option.c USES base)
bt_check(base_process USES base)
