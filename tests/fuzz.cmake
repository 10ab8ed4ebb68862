bt_fuzz(gtid_set USES base parser)
bt_fuzz(inflate USES base parser)
bt_fuzz(claim USES vip)
bt_fuzz(node_message USES node)
