# What stands in a calendar of renewals. Every language has the same messages with the same parameters.

calendar-name = 续约：{ $owner }
calendar-window = 续约窗口开启：{ $account }
calendar-days = 距续约 { $days } 天：{ $account }
calendar-notice = 通知截止日：{ $account }
calendar-due = 续约到期：{ $account }
calendar-contract = 合同：{ $contract }
calendar-term = 合同期：{ DAY($start) } – { DAY($end) }
calendar-amount = 金额：{ $amount }
