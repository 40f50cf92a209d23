# The words around the figures of a pack for a review. Every language has the same messages with the same parameters.

report-title = Review: { $customer }
report-heading = Business review
report-active-users = active users
report-from-zero = none in the period before
report-against-before = { $change } against the period before
report-seats = seats in use
report-resolved = tickets resolved
report-opened-count = { $tickets } opened
report-goals-achieved = goals achieved
report-internal = For us only
report-do-not-hand-over = Do not hand this page over: the version for the customer is without this box.
report-band = { $band ->
        [red] red
        [yellow] yellow
        [green] green
       *[unknown] unknown
    }
report-score-before = before the period: { $score }
report-owner = CSM { $owner }
report-tier = tier { $tier }
report-stage = { $stage ->
        [onboarding] onboarding
        [growth] growth
        [nurture] nurture
        [renewal] renewal
        [will_churn] will churn
        [churned] churned
       *[other] { $stage }
    }
report-renewal = renewal { DAY($day) }
report-effort = { $touches ->
        [one] { $touches } touch
       *[other] { $touches } touches
    } with them, { $internal } about them, { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }
report-risks = Risks
report-what-moved = What moved the score
report-goals = Goals
report-goal-state = { $state ->
        [draft] draft
        [active] under way
        [achieved] achieved
        [missed] missed
       *[dropped] dropped
    }
report-confirmed-by = confirmed by { $who }
report-requests = Requests
report-request-state = { $state ->
        [wont_do] will not be done
        [not_within_three_months] not within three months
        [in_pool] noted
        [scheduled] scheduled
        [in_development] in development
        [in_test] in test
        [released] released
       *[none] received
    }
report-severity = { $severity ->
        [low] minor
        [medium] medium
        [high] serious
       *[critical] critical
    }
report-eta = expected { DAY($day) }
report-next-steps = Next steps
report-only-ours = internal
report-notes = Notes
report-note-kind = { $kind ->
        [call] call
        [meeting] meeting
        [visit] visit
        [message] message
        [business_review] business review
        [workshop] workshop
        [event] event
        [feedback] feedback
        [nps] NPS survey
        [csat] satisfaction survey
        [sentiment] sentiment
       *[other] other
    }
report-goal = Goal
report-baseline = At first
report-now = Now
report-target = Target
report-progress = Progress
report-due = Due
report-state = State
report-confirmed = confirmed
report-no-goals = No goals have been agreed yet.
report-usage = Usage
report-use = { $users ->
        [one] { $users } active user
       *[other] { $users } active users
    } and { $events ->
        [one] { $events } event
       *[other] { $events } events
    } in this period.
report-use-before = In the equally long period before: { $users ->
        [one] { $users } user
       *[other] { $users } users
    }, { $events ->
        [one] { $events } event
       *[other] { $events } events
    }.
report-chart-title = { $days ->
        [1] Active users of each day
       *[7] Active users of each week
    }
report-chart = Active users over the period, { $most } at most
report-adoption = Adoption
report-feature = Feature
report-users = Users
report-share = Of active users
report-new = new
report-nothing = Nothing in this period.
report-support = Support
report-tickets-opened = Tickets opened
report-tickets-resolved = Tickets resolved
report-tickets-open = Open at the end
report-first-response = First response (median)
report-promised = { $hours ->
        [one] promised within { $hours } hour
       *[other] promised within { $hours } hours
    }
report-promised-priority = { $priority ->
        [urgent] urgent
        [high] high
        [normal] normal
       *[low] low
    } within { $hours } h
report-hours = { FIGURE($hours) } h
report-in-time = Answered in time
report-resolution = Resolution (median)
report-csat = Satisfaction
report-answers = { $answers ->
        [one] { $answers } answer
       *[other] { $answers } answers
    }
report-asked = What was asked
report-release = Release
report-told = You were told
report-training = Training
report-course = Course
report-participants = Participants
report-completed = Completed
report-meetings = Meetings held
report-meeting-kind = { $kind ->
        [call] Call
        [meeting] Meeting
        [visit] Visit
        [business_review] Business review
        [workshop] Workshop
       *[event] Event
    }
report-channel = { $channel ->
        [onsite] on site
        [phone] by phone
        [video] by video
        [email] by email
        [chat] by chat
        [in_app] in the product
        [portal] in the portal
       *[other] otherwise
    }
