# What stands in a calendar of renewals. Every language has the same messages with the same parameters.

calendar-name = Renewals: { $owner }
calendar-window = Renewal window opens: { $account }
calendar-days-60 = 60 days to renewal: { $account }
calendar-days-30 = 30 days to renewal: { $account }
calendar-notice = Last day for notice: { $account }
calendar-due = Renewal due: { $account }
calendar-contract = Contract: { $contract }
calendar-term = Term: { DAY($start) } – { DAY($end) }
calendar-amount = Amount: { $amount }
