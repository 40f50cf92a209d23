# What stands in a calendar of renewals. Every language has the same messages with the same parameters.

calendar-name = Renewals: { $owner }
calendar-window = Renewal window opens: { $account }
calendar-days = { $days ->
    [one] { $days } day to renewal: { $account }
   *[other] { $days } days to renewal: { $account }
}
calendar-notice = Last day for notice: { $account }
calendar-due = Renewal due: { $account }
calendar-contract = Contract: { $contract }
calendar-term = Term: { DAY($start) } – { DAY($end) }
calendar-amount = Amount: { $amount }
