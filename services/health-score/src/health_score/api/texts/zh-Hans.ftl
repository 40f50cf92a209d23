# 业务回顾材料中的固定文字。各语言的消息与参数必须一致。

report-title = 业务回顾：{ $customer }
report-heading = 业务回顾
report-active-users = 活跃用户
report-from-zero = 上一期间没有用户
report-against-before = 较上一期间 { $change }
report-seats = 已用席位
report-resolved = 已解决工单
report-opened-count = 新开 { $tickets } 个
report-goals-achieved = 已达成目标
report-internal = 仅供内部
report-do-not-hand-over = 请勿将本页交给客户：面向客户的版本不含此框内容。
report-band = { $band ->
        [red] 红色
        [yellow] 黄色
        [green] 绿色
       *[unknown] 未知
    }
report-score-before = 期初：{ $score }
report-owner = 客户成功经理 { $owner }
report-tier = 等级 { $tier }
report-stage = { $stage ->
        [onboarding] 导入期
        [growth] 成长期
        [nurture] 维系期
        [renewal] 续约期
        [will_churn] 即将流失
        [churned] 已流失
       *[other] { $stage }
    }
report-renewal = 续约日 { DAY($day) }
report-effort = 与客户联系 { $touches } 次，内部讨论 { $internal } 次，共 { $minutes } 分钟
report-risks = 风险
report-what-moved = 健康分变动的原因
report-goals = 目标
report-goal-state = { $state ->
        [draft] 草稿
        [active] 进行中
        [achieved] 已达成
        [missed] 未达成
       *[dropped] 已放弃
    }
report-confirmed-by = 由 { $who } 确认
report-requests = 需求与问题
report-request-state = { $state ->
        [wont_do] 不予实现
        [not_within_three_months] 三个月内不做
        [in_pool] 已纳入需求池
        [scheduled] 已排期
        [in_development] 开发中
        [in_test] 测试中
        [released] 已发布
       *[none] 已收到
    }
report-severity = { $severity ->
        [low] 轻微
        [medium] 一般
        [high] 严重
       *[critical] 致命
    }
report-eta = 预计 { DAY($day) }
report-next-steps = 后续行动
report-only-ours = 内部
report-notes = 内部记录
report-note-kind = { $kind ->
        [call] 电话
        [meeting] 会议
        [visit] 拜访
        [message] 消息
        [business_review] 业务回顾
        [workshop] 研讨会
        [event] 活动
        [feedback] 反馈
        [nps] NPS 调查
        [csat] 满意度调查
        [sentiment] 主观判断
       *[other] 其他
    }
report-goal = 目标
report-baseline = 起点
report-now = 当前
report-target = 目标值
report-progress = 进度
report-due = 期限
report-state = 状态
report-confirmed = 已确认
report-no-goals = 尚未约定目标。
report-usage = 使用情况
report-use = 本期有 { $users } 位活跃用户，使用 { $events } 次。
report-use-before = 上一同等期间：{ $users } 位用户，使用 { $events } 次。
report-chart-title = { $days ->
        [1] 每日活跃用户
       *[7] 每周活跃用户
    }
report-chart = 本期活跃用户变化，最多 { $most } 位
report-adoption = 功能采用
report-feature = 功能
report-users = 用户数
report-share = 占活跃用户
report-new = 新启用
report-nothing = 本期没有记录。
report-support = 支持服务
report-tickets-opened = 新开工单
report-tickets-resolved = 已解决工单
report-tickets-open = 期末未解决
report-first-response = 首次响应（中位数）
report-promised = 承诺 { $hours } 小时内
report-promised-priority = { $priority ->
        [urgent] 紧急
        [high] 高
        [normal] 普通
       *[low] 低
    }：{ $hours } 小时内
report-hours = { FIGURE($hours) } 小时
report-in-time = 按时响应
report-resolution = 解决时间（中位数）
report-csat = 满意度
report-answers = { $answers } 份评价
report-asked = 提出的内容
report-release = 版本
report-told = 告知日期
report-training = 培训
report-course = 课程
report-participants = 参与人数
report-completed = 完成人数
report-meetings = 已举行的会议
report-meeting-kind = { $kind ->
        [call] 电话
        [meeting] 会议
        [visit] 拜访
        [business_review] 业务回顾
        [workshop] 研讨会
       *[event] 活动
    }
report-channel = { $channel ->
        [onsite] 现场
        [phone] 电话
        [video] 视频
        [email] 邮件
        [chat] 即时消息
        [in_app] 产品内
        [portal] 客户门户
       *[other] 其他方式
    }
