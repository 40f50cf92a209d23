# 業務回顧資料中的固定文字，用語以台灣為準。各語言的訊息與參數必須一致。

report-title = 業務回顧：{ $customer }
report-heading = 業務回顧
report-active-users = 活躍使用者
report-from-zero = 前一期間沒有使用者
report-against-before = 較前一期間 { $change }
report-seats = 已使用席次
report-resolved = 已結案工單
report-opened-count = 新開立 { $tickets } 張
report-goals-achieved = 已達成目標
report-internal = 僅供內部
report-do-not-hand-over = 請勿將本頁交給客戶：給客戶的版本不含此框內容。
report-band = { $band ->
        [red] 紅燈
        [yellow] 黃燈
        [green] 綠燈
       *[unknown] 未知
    }
report-score-before = 期初：{ $score }
report-owner = 客戶成功經理 { $owner }
report-tier = 等級 { $tier }
report-stage = { $stage ->
        [onboarding] 導入期
        [growth] 成長期
        [nurture] 維繫期
        [renewal] 續約期
        [will_churn] 即將流失
        [churned] 已流失
       *[other] { $stage }
    }
report-renewal = 續約日 { DAY($day) }
report-effort = 與客戶聯繫 { $touches } 次，內部討論 { $internal } 次，共 { $minutes } 分鐘
report-risks = 風險
report-what-moved = 健康分數變動的原因
report-goals = 目標
report-goal-state = { $state ->
        [draft] 草稿
        [active] 進行中
        [achieved] 已達成
        [missed] 未達成
       *[dropped] 已放棄
    }
report-confirmed-by = 由 { $who } 確認
report-requests = 需求與問題
report-request-state = { $state ->
        [wont_do] 不予實作
        [not_within_three_months] 三個月內不做
        [in_pool] 已列入需求清單
        [scheduled] 已排程
        [in_development] 開發中
        [in_test] 測試中
        [released] 已發布
       *[none] 已收到
    }
report-severity = { $severity ->
        [low] 輕微
        [medium] 一般
        [high] 嚴重
       *[critical] 致命
    }
report-eta = 預計 { DAY($day) }
report-next-steps = 後續行動
report-only-ours = 內部
report-notes = 內部紀錄
report-note-kind = { $kind ->
        [call] 電話
        [meeting] 會議
        [visit] 拜訪
        [message] 訊息
        [business_review] 業務回顧
        [workshop] 工作坊
        [event] 活動
        [feedback] 意見回饋
        [nps] NPS 問卷
        [csat] 滿意度問卷
        [sentiment] 主觀判斷
       *[other] 其他
    }
report-goal = 目標
report-baseline = 起點
report-now = 目前
report-target = 目標值
report-progress = 進度
report-due = 期限
report-state = 狀態
report-confirmed = 已確認
report-no-goals = 尚未約定目標。
report-usage = 使用狀況
report-use = 本期有 { $users } 位活躍使用者，使用 { $events } 次。
report-use-before = 前一等長期間：{ $users } 位使用者，使用 { $events } 次。
report-chart-title = { $days ->
        [1] 每日活躍使用者
       *[7] 每週活躍使用者
    }
report-chart = 本期活躍使用者變化，最多 { $most } 位
report-adoption = 功能採用
report-feature = 功能
report-users = 使用者數
report-share = 占活躍使用者
report-new = 新啟用
report-nothing = 本期沒有紀錄。
report-support = 支援服務
report-tickets-opened = 新開立工單
report-tickets-resolved = 已結案工單
report-tickets-open = 期末未結案
report-first-response = 首次回覆（中位數）
report-promised = 承諾 { $hours } 小時內
report-promised-priority = { $priority ->
        [urgent] 緊急
        [high] 高
        [normal] 一般
       *[low] 低
    }：{ $hours } 小時內
report-hours = { FIGURE($hours) } 小時
report-in-time = 準時回覆
report-resolution = 結案時間（中位數）
report-csat = 滿意度
report-answers = { $answers } 份評價
report-asked = 提出的內容
report-release = 版本
report-told = 告知日期
report-training = 教育訓練
report-course = 課程
report-participants = 參與人數
report-completed = 完成人數
report-meetings = 已舉行的會議
report-meeting-kind = { $kind ->
        [call] 電話
        [meeting] 會議
        [visit] 拜訪
        [business_review] 業務回顧
        [workshop] 工作坊
       *[event] 活動
    }
report-channel = { $channel ->
        [onsite] 現場
        [phone] 電話
        [video] 視訊
        [email] 電子郵件
        [chat] 即時訊息
        [in_app] 產品內
        [portal] 客戶入口網站
       *[other] 其他方式
    }
