# What stands in a calendar of renewals. Every language has the same messages with the same parameters.

calendar-name = 續約：{ $owner }
calendar-window = 續約窗口開啟：{ $account }
calendar-days = 距續約 { $days } 天：{ $account }
calendar-notice = 通知截止日：{ $account }
calendar-due = 續約到期：{ $account }
calendar-contract = 合約：{ $contract }
calendar-term = 合約期：{ DAY($start) } – { DAY($end) }
calendar-amount = 金額：{ $amount }
