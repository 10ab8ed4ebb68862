bt_check(base_bytes USES base)
bt_check(base_text USES base)
