# Mainstay 對客戶健康狀況的描述，供客戶成功經理直接唸給人聽：每則都是句子的一部分，不含句號。用語以台灣為準。
# 各語言的訊息與參數必須一致（tests/unit/language）。

## 變化的概述

health-moved =
    自{ DAY($since) }以來，{ $direction ->
        [fell] 健康分數從 { $before } 降到 { $score }
        [rose] 健康分數從 { $before } 升到 { $score }
       *[same] 健康分數維持在 { $score }
    }{ $moved ->
        [band] ，由{ $band_before ->
            [red] 紅燈
            [yellow] 黃燈
            [green] 綠燈
           *[unknown] 未知
        }轉為{ $band ->
            [red] 紅燈
            [yellow] 黃燈
            [green] 綠燈
           *[unknown] 未知
        }
       *[score] { "" }
    }
health-known = 健康分數為 { $score }，{ DAY($since) }時尚無分數
health-lost = 目前沒有健康分數，{ DAY($since) }時為 { $before }
health-unknown = 目前沒有健康分數，{ DAY($since) }時也沒有

## 取代各項指標的說明

override-set = { $by } 手動將健康分數設為 { $score }：{ $reason }
override-lifted = 健康分數不再由人工設定
band-forced = 依「{ NAME($measure) }」的規則，健康狀態定為{ $band ->
        [red] 紅燈
        [yellow] 黃燈
        [green] 綠燈
       *[unknown] 未知
    }
too-little-data = 資料太少，無法判斷：評分卡中只有 { PERCENT($share) } 的權重有資料
score-is = 健康分數為 { $score }
score-missing = 尚無健康分數

## 沒有數值可說的指標

measure-not-asked = 「{ NAME($measure) }」不適用於此客戶
measure-na = 「{ NAME($measure) }」沒有資料
measure-stale = 「{ NAME($measure) }」的資料已過期
measure-grace = 「{ NAME($measure) }」暫不計分
measure-by-hand = { $by } 手動將「{ NAME($measure) }」設為 { $score }：{ $reason }
measure-gone = 評分卡不再包含「{ NAME($measure) }」
measure-weighed = 「{ NAME($measure) }」的權重有變動

## 使用狀況

active-users = { $days ->
        [1] 當天
       *[other] { $days } 天內
    }{ $users ->
        [0] 沒有活躍使用者
       *[other] 有 { $users } 位活躍使用者
    }
active-users-trend = { $direction ->
        [fell] 活躍使用者比前 { $days } 天減少 { PERCENT($change) }
        [rose] 活躍使用者比前 { $days } 天增加 { PERCENT($change) }
       *[same] 活躍使用者與前 { $days } 天持平
    }
usage-trend = { $direction ->
        [fell] 使用量比前 { $days } 天下降 { PERCENT($change) }
        [rose] 使用量比前 { $days } 天上升 { PERCENT($change) }
       *[same] 使用量與前 { $days } 天持平
    }
no-activity = 已 { $days } 天沒有使用
active-today = 今天有使用
events = { $days } 天內{ $events ->
        [0] 沒有使用事件
       *[other] 有 { $events } 次使用事件
    }
features-used = { $days } 天內{ $features ->
        [0] 沒有使用任何功能
       *[other] 使用了 { $features } 項功能
    }
feature-breadth = { $days } 天內使用了方案 { $features } 項功能中的 { $used } 項
seats-active = { $seats } 個席次中有 { $used } 個活躍
seats-in-use = { $seats } 個席次中已使用 { $used } 個
nobody-active = { $days } 天內無人使用
stickiness = 活躍使用者平均每 { $days } 天使用 { $active } 天
user-engagement = { $days } 天內有 { PERCENT($share) } 的席次使用者用過產品
last-two-active-days = 最近兩個使用日都在 { $days } 天以內
few-active-days = { $days } 天內使用不到兩天
last-two-users = 最近 { $days } 天內有兩位不同的使用者用過
few-users = { $days } 天內用過的使用者不到兩位
recent-users = 依最近使用時間加權後為 { FIGURE($users) } 位使用者
activation = { PERCENT($share) } 的席次曾經使用過
days-to-activation = 一半席次在 { $days } 天後啟用
first-use = { $days } 天後首次使用
used-from-the-beginning = 從一開始就在使用
active-users-deviation = { $direction ->
        [below] 最近一個完整日的使用人數低於平常同一星期幾的水準，偏差為平常波動的 { FIGURE($spreads) } 倍
        [above] 最近一個完整日的使用人數高於平常同一星期幾的水準，偏差為平常波動的 { FIGURE($spreads) } 倍
       *[usual] 最近一個完整日的使用人數與平常同一星期幾的水準相當
    }
usage-deviation = { $direction ->
        [below] 最近一個完整日的使用量低於平常同一星期幾的水準，偏差為平常波動的 { FIGURE($spreads) } 倍
        [above] 最近一個完整日的使用量高於平常同一星期幾的水準，偏差為平常波動的 { FIGURE($spreads) } 倍
       *[usual] 最近一個完整日的使用量與平常同一星期幾的水準相當
    }

## 支援

open-tickets = { $tickets ->
        [0] 沒有未結案的工單
       *[other] 有 { $tickets } 張工單未結案
    }
no-urgent-tickets = 沒有未結案的緊急工單
open-urgent-tickets = 有 { $tickets } 張緊急工單未結案，{ $tickets ->
        [1] 已開立
       *[other] 最久的已開立
    }{ $oldest ->
        [0] 不到 1 天
       *[other] { " " }{ $oldest } 天
    }
tickets-opened = { $days } 天內{ $tickets ->
        [0] 沒有新工單
       *[other] 新開立 { $tickets } 張工單
    }
first-response = 半數工單在 { FIGURE($hours) } 小時內獲得首次回覆
first-response-promised = 半數工單在 { FIGURE($hours) } 小時內獲得首次回覆，承諾為 { FIGURE($promised) } 小時
resolution = 半數工單在 { FIGURE($hours) } 小時內解決
answered-in-time = { $days } 天內有 { PERCENT($share) } 的工單準時回覆
resolved-in-time = { $days } 天內有 { PERCENT($share) } 的工單準時解決
ticket-csat = { $days } 天內工單滿意度為 { FIGURE($points) } 分（滿分 5 分）

## 客戶之聲

nps = { $days } 天內 NPS 為 { FIGURE($points) }（{ $answers } 份回覆）
nps-answers = { $days } 天內{ $answers ->
        [0] 無人填答 NPS 問卷
       *[other] 有 { $answers } 人填答 NPS 問卷
    }
survey-csat = { $days } 天內滿意度為 { FIGURE($points) } 分（滿分 5 分）

## 客戶聯繫

touched-today = 今天已與客戶聯繫
last-touch = 已 { $days } 天未與客戶聯繫
touch-overdue = 已 { $days } 天未與客戶聯繫，服務政策要求每 { $every } 天一次
touch-in-time = { $days ->
        [0] 今天已聯繫客戶
       *[other] 上次聯繫客戶是 { $days } 天前
    }，符合每 { $every } 天一次的要求
touches = { $days } 天內{ $touches ->
        [0] 沒有與客戶聯繫
       *[other] 與客戶聯繫 { $touches } 次
    }
roles-met = { $days } 天內{ $roles ->
        [0] 沒有見過客戶的任何角色
       *[other] 見過客戶的 { $roles } 種角色
    }
personas-covered = { $days } 天內見過客戶已知角色的 { PERCENT($share) }
technical-leads = { $days } 天內{ $leads ->
        [0] 開發主管與資安主管都沒有見過
        [1] 只見過開發主管與資安主管其中一位
       *[other] 開發主管與資安主管都見過
    }
people-touching = { $days } 天內{ $people ->
        [0] 我方沒有人聯繫客戶
       *[other] 我方有 { $people } 人聯繫過客戶
    }

## 聯絡人與教育訓練

contacts = { $contacts ->
        [0] 沒有在職的聯絡人
       *[other] 有 { $contacts } 位在職的聯絡人
    }
champions = { $champions ->
        [0] 沒有內部支持者
       *[other] 有 { $champions } 位內部支持者
    }
champions-left = { $days } 天內{ $champions ->
        [0] 沒有內部支持者離職
       *[other] 有 { $champions } 位內部支持者離職
    }
courses-completed = { $courses ->
        [0] 沒有完成的課程
       *[other] 完成了 { $courses } 門課程
    }
contacts-trained = { PERCENT($share) } 的聯絡人已受訓
contacts-certified = { $people ->
        [0] 無人取得認證
       *[other] 有 { $people } 人取得認證
    }

## 成功計畫、意見回饋與推薦

objectives-active = { $objectives ->
        [0] 沒有進行中的目標
       *[other] 有 { $objectives } 個目標進行中
    }
objectives-overdue = { $objectives ->
        [0] 沒有逾期的目標
       *[other] 有 { $objectives } 個目標逾期
    }
objectives-achieved = 已達成 { PERCENT($share) } 的目標
success-plan = { $state ->
        [active] 成功計畫進行中
        [draft] 成功計畫仍是草稿
       *[none] 沒有成功計畫
    }
feedback-open = { $items ->
        [0] 沒有待回覆的意見
       *[other] 有 { $items } 則意見待回覆
    }
feedback-to-be-told = { $items ->
        [0] 沒有已處理而未告知客戶的意見
       *[other] 有 { $items } 則意見已處理但尚未告知客戶
    }
advocacy-given = { $days } 天內{ $acts ->
        [0] 客戶沒有推薦過我們
       *[other] 客戶推薦我們 { $acts } 次
    }
handovers-open = { $handovers ->
        [0] 沒有進行中的交接
       *[other] 有 { $handovers } 項交接進行中
    }

## 帳款

no-overdue-invoices = 沒有逾期帳款
overdue-invoices = 有 { $invoices } 筆帳款逾期，{ $invoices ->
        [1] 已逾期
       *[other] 最久的已逾期
    } { $days } 天

## 客戶時間與主觀判斷

tenure-days = 成為客戶 { $days } 天
tenure-months = 成為客戶 { FIGURE($months) } 個月
csm-sentiment = 客戶成功經理的判斷為{ $sentiment ->
        [red] 紅燈
        [yellow] 黃燈
       *[green] 綠燈
    }

## 自訂指標

custom-share = { $title }：{ PERCENT($share) }
custom-figure = { $title }：{ FIGURE($value) }

## 日期

renewal-ahead = { $days ->
        [0] 今天續約
       *[other] 距續約還有 { $days } 天
    }
renewal-passed = 續約日期已過 { $days } 天
go-live-ahead = { $days ->
        [0] 計劃今天上線
       *[other] 計劃 { $days } 天後上線
    }
go-live-passed = 計劃上線日期已過 { $days } 天
live-since = 已上線 { $days } 天
contract-began = 首份合約已開始 { $days } 天
contract-begins = 首份合約將於 { $days } 天後開始
