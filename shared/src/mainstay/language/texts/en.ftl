# What Mainstay says of an account's health, to be read aloud: parts of a sentence, without a capital and a full stop.
# Every language has the same messages with the same parameters (tests/unit/language).

## What a change is about

health-moved =
    { $direction ->
        [fell] the score fell from { $before } to { $score }
        [rose] the score rose from { $before } to { $score }
       *[same] the score stayed at { $score }
    } since { DAY($since) }{ $moved ->
        [band] , from { $band_before ->
            [red] red
            [yellow] yellow
            [green] green
           *[unknown] unknown
        } to { $band ->
            [red] red
            [yellow] yellow
            [green] green
           *[unknown] unknown
        }
       *[score] { "" }
    }
health-known = the score is { $score }; before { DAY($since) } there was none
health-lost = there is no score any more; on { DAY($since) } it was { $before }
health-unknown = there is no score, and there was none on { DAY($since) }

## What is said in place of measures

override-set = { $by } set the score to { $score }: { $reason }
override-lifted = the score is not set by hand any more
band-forced = { NAME($measure) } makes it { $band ->
        [red] red
        [yellow] yellow
        [green] green
       *[unknown] unknown
    }
too-little-data = too little data to judge: { PERCENT($share) } of the scorecard's weight has any
score-is = the score is { $score }
score-missing = there is no score

## Measures that have no value of their own to tell

measure-not-asked = { NAME($measure) } is not asked of this account
measure-na = no data for { NAME($measure) }
measure-stale = the data for { NAME($measure) } is too old
measure-grace = { NAME($measure) } does not count yet
measure-by-hand = { $by } set { NAME($measure) } to { $score }: { $reason }
measure-gone = the scorecard does not ask for { NAME($measure) } any more
measure-weighed = { NAME($measure) } weighs differently

## Usage

active-users = { $users ->
        [0] no active user
        [one] { $users } active user
       *[other] { $users } active users
    } in { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
active-users-trend = { $direction ->
        [fell] active users fell { PERCENT($change) } against the { $days } days before
        [rose] active users rose { PERCENT($change) } against the { $days } days before
       *[same] active users as in the { $days } days before
    }
usage-trend = { $direction ->
        [fell] usage fell { PERCENT($change) } against the { $days } days before
        [rose] usage rose { PERCENT($change) } against the { $days } days before
       *[same] usage as in the { $days } days before
    }
no-activity = no activity for { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
active-today = active today
events = { $events ->
        [0] no event
        [one] { $events } event
       *[other] { $events } events
    } in { $days } days
features-used = { $features ->
        [0] no feature
        [one] { $features } feature
       *[other] { $features } features
    } used in { $days } days
feature-breadth = { $used } of the plan's { $features ->
        [one] { $features } feature
       *[other] { $features } features
    } used in { $days } days
seats-active = { $used } of { $seats } seats active
seats-in-use = { $used } of { $seats } seats in use
nobody-active = nobody was active in { $days } days
stickiness = an active user comes on { $active } of { $days } days
user-engagement = { PERCENT($share) } of those with a seat came in { $days } days
last-two-active-days = the last two active days lie within { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
few-active-days = fewer than two active days in { $days } days
last-two-users = two different people came within the last { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
few-users = fewer than two different people came in { $days } days
recent-users = { FIGURE($users) } users, those of late counted most
activation = { PERCENT($share) } of the seats were ever used
days-to-activation = half of the seats were in use after { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
first-use = first use after { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
used-from-the-beginning = used from the beginning
active-users-deviation = { $direction ->
        [below] fewer people came on the last full day than is usual for its weekday, by { FIGURE($spreads) } times the usual spread
        [above] more people came on the last full day than is usual for its weekday, by { FIGURE($spreads) } times the usual spread
       *[usual] as many people came on the last full day as is usual for its weekday
    }
usage-deviation = { $direction ->
        [below] usage on the last full day was below what is usual for its weekday, by { FIGURE($spreads) } times the usual spread
        [above] usage on the last full day was above what is usual for its weekday, by { FIGURE($spreads) } times the usual spread
       *[usual] usage on the last full day was as usual for its weekday
    }

## Support

open-tickets = { $tickets ->
        [0] no ticket open
        [one] { $tickets } ticket open
       *[other] { $tickets } tickets open
    }
no-urgent-tickets = no urgent ticket open
open-urgent-tickets = { $tickets ->
        [one] { $tickets } urgent ticket open
       *[other] { $tickets } urgent tickets open, the oldest
    } for { $oldest ->
        [0] less than a day
        [one] { $oldest } day
       *[other] { $oldest } days
    }
tickets-opened = { $tickets ->
        [0] no ticket
        [one] { $tickets } ticket
       *[other] { $tickets } tickets
    } opened in { $days } days
first-response = half of the first responses came within { $hours ->
        [1] { FIGURE($hours) } hour
       *[other] { FIGURE($hours) } hours
    }
first-response-promised = half of the first responses came within { $hours ->
        [1] { FIGURE($hours) } hour
       *[other] { FIGURE($hours) } hours
    }, { FIGURE($promised) } { $promised ->
        [one] is
       *[other] are
    } promised
resolution = half of the tickets were resolved within { $hours ->
        [1] { FIGURE($hours) } hour
       *[other] { FIGURE($hours) } hours
    }
answered-in-time = { PERCENT($share) } of the tickets of { $days } days answered in time
resolved-in-time = { PERCENT($share) } of the tickets of { $days } days resolved in time
ticket-csat = tickets rated { FIGURE($points) } of 5 in { $days } days

## Voice

nps = NPS { FIGURE($points) } from { $answers ->
        [one] { $answers } answer
       *[other] { $answers } answers
    } in { $days } days
nps-answers = { $answers ->
        [0] nobody
        [one] { $answers } person
       *[other] { $answers } people
    } answered the NPS survey in { $days } days
survey-csat = satisfaction { FIGURE($points) } of 5 in { $days } days

## Engagement

touched-today = in touch today
last-touch = no touch for { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
touch-overdue = no touch for { $days ->
        [one] { $days } day
       *[other] { $days } days
    }, the policy asks for one every { $every ->
        [one] day
       *[other] { $every } days
    }
touch-in-time = last touch { $days ->
        [0] today
        [one] { $days } day ago
       *[other] { $days } days ago
    }, in time for one every { $every ->
        [one] day
       *[other] { $every } days
    }
touches = { $touches ->
        [0] no touch
        [one] { $touches } touch
       *[other] { $touches } touches
    } in { $days } days
roles-met = { $roles ->
        [0] nobody
        [one] people of { $roles } role
       *[other] people of { $roles } roles
    } met in { $days } days
personas-covered = { PERCENT($share) } of the customer's known roles met in { $days } days
technical-leads = { $leads ->
        [0] neither the development lead nor the security lead
        [one] one of the development lead and the security lead
       *[other] both the development lead and the security lead
    } met in { $days } days
people-touching = { $people ->
        [0] nobody
        [one] { $people } person
       *[other] { $people } people
    } of ours met the customer in { $days } days

## People and training

contacts = { $contacts ->
        [0] no contact
        [one] { $contacts } contact
       *[other] { $contacts } contacts
    } known to be there
champions = { $champions ->
        [0] no champion
        [one] { $champions } champion
       *[other] { $champions } champions
    } there
champions-left = { $champions ->
        [0] no champion
        [one] { $champions } champion
       *[other] { $champions } champions
    } left in { $days } days
courses-completed = { $courses ->
        [0] no course
        [one] { $courses } course
       *[other] { $courses } courses
    } completed
contacts-trained = { PERCENT($share) } of the contacts trained
contacts-certified = { $people ->
        [0] nobody
        [one] { $people } person
       *[other] { $people } people
    } certified

## Success plan, feedback, advocacy

objectives-active = { $objectives ->
        [0] no objective
        [one] { $objectives } objective
       *[other] { $objectives } objectives
    } under way
objectives-overdue = { $objectives ->
        [0] no objective
        [one] { $objectives } objective
       *[other] { $objectives } objectives
    } overdue
objectives-achieved = { PERCENT($share) } of the objectives achieved
success-plan = { $state ->
        [active] the success plan is under way
        [draft] the success plan is a draft
       *[none] there is no success plan
    }
feedback-open = { $items ->
        [0] no feedback
        [one] { $items } piece of feedback
       *[other] { $items } pieces of feedback
    } waiting for an answer
feedback-to-be-told = { $items ->
        [0] no settled feedback
        [one] { $items } piece of settled feedback
       *[other] { $items } pieces of settled feedback
    } the customer was not told of
advocacy-given = { $acts ->
        [0] no advocacy
        [one] { $acts } act of advocacy
       *[other] { $acts } acts of advocacy
    } in { $days } days
handovers-open = { $handovers ->
        [0] no handover
        [one] { $handovers } handover
       *[other] { $handovers } handovers
    } under way

## Invoices

no-overdue-invoices = no invoice overdue
overdue-invoices = { $invoices ->
        [one] { $invoices } invoice overdue
       *[other] { $invoices } invoices overdue, the oldest
    } by { $days ->
        [one] { $days } day
       *[other] { $days } days
    }

## Life and judgement

tenure-days = a customer for { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
tenure-months = a customer for { $months ->
        [1] { FIGURE($months) } month
       *[other] { FIGURE($months) } months
    }
csm-sentiment = the CSM sees the account { $sentiment ->
        [red] red
        [yellow] yellow
       *[green] green
    }

## Metrics of the operator's own

custom-share = { $title }: { PERCENT($share) }
custom-figure = { $title }: { FIGURE($value) }

## Dates

renewal-ahead = the renewal is { $days ->
        [0] today
        [one] in { $days } day
       *[other] in { $days } days
    }
renewal-passed = the renewal was due { $days ->
        [one] { $days } day
       *[other] { $days } days
    } ago
go-live-ahead = the go-live is planned { $days ->
        [0] for today
        [one] in { $days } day
       *[other] in { $days } days
    }
go-live-passed = the go-live was planned { $days ->
        [one] { $days } day
       *[other] { $days } days
    } ago
live-since = live for { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
contract-began = the first contract began { $days ->
        [one] { $days } day
       *[other] { $days } days
    } ago
contract-begins = the first contract begins in { $days ->
        [one] { $days } day
       *[other] { $days } days
    }
