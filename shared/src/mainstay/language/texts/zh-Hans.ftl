# Mainstay 对客户健康状况的描述，供客户成功经理直接念给人听：每条都是句子的一部分，不带句号。
# 各语言的消息与参数必须一致（tests/unit/language）。

## 变化的概述

health-moved =
    自{ DAY($since) }以来，{ $direction ->
        [fell] 健康分从 { $before } 降至 { $score }
        [rose] 健康分从 { $before } 升至 { $score }
       *[same] 健康分保持在 { $score }
    }{ $moved ->
        [band] ，由{ $band_before ->
            [red] 红色
            [yellow] 黄色
            [green] 绿色
           *[unknown] 未知
        }转为{ $band ->
            [red] 红色
            [yellow] 黄色
            [green] 绿色
           *[unknown] 未知
        }
       *[score] { "" }
    }
health-known = 健康分为 { $score }，{ DAY($since) }时尚无健康分
health-lost = 目前没有健康分，{ DAY($since) }时为 { $before }
health-unknown = 目前没有健康分，{ DAY($since) }时也没有

## 代替各项指标的说明

override-set = { $by } 手动将健康分设为 { $score }：{ $reason }
override-lifted = 健康分不再由人工设定
band-forced = 按“{ NAME($measure) }”的规则，健康状态定为{ $band ->
        [red] 红色
        [yellow] 黄色
        [green] 绿色
       *[unknown] 未知
    }
too-little-data = 数据太少，无法判断：评分卡中只有 { PERCENT($share) } 的权重有数据
score-is = 健康分为 { $score }
score-missing = 暂无健康分

## 没有数值可说的指标

measure-not-asked = “{ NAME($measure) }”不适用于该客户
measure-na = “{ NAME($measure) }”没有数据
measure-stale = “{ NAME($measure) }”的数据已过期
measure-grace = “{ NAME($measure) }”暂不计分
measure-by-hand = { $by } 手动将“{ NAME($measure) }”设为 { $score }：{ $reason }
measure-gone = 评分卡不再包含“{ NAME($measure) }”
measure-weighed = “{ NAME($measure) }”的权重有变化

## 使用情况

active-users = { $days ->
        [1] 当天
       *[other] { $days } 天内
    }{ $users ->
        [0] 没有活跃用户
       *[other] 有 { $users } 位活跃用户
    }
active-users-trend = { $direction ->
        [fell] 活跃用户数比前 { $days } 天减少 { PERCENT($change) }
        [rose] 活跃用户数比前 { $days } 天增加 { PERCENT($change) }
       *[same] 活跃用户数与前 { $days } 天持平
    }
usage-trend = { $direction ->
        [fell] 使用量比前 { $days } 天下降 { PERCENT($change) }
        [rose] 使用量比前 { $days } 天上升 { PERCENT($change) }
       *[same] 使用量与前 { $days } 天持平
    }
no-activity = 已有 { $days } 天没有使用
active-today = 今天有使用
events = { $days } 天内{ $events ->
        [0] 没有使用事件
       *[other] 有 { $events } 次使用事件
    }
features-used = { $days } 天内{ $features ->
        [0] 没有使用任何功能
       *[other] 使用了 { $features } 项功能
    }
feature-breadth = { $days } 天内使用了套餐 { $features } 项功能中的 { $used } 项
seats-active = { $seats } 个席位中有 { $used } 个活跃
seats-in-use = { $seats } 个席位中已用 { $used } 个
nobody-active = { $days } 天内无人使用
stickiness = 活跃用户平均每 { $days } 天使用 { $active } 天
user-engagement = { $days } 天内有 { PERCENT($share) } 的席位用户使用过
last-two-active-days = 最近两个使用日都在 { $days } 天以内
few-active-days = { $days } 天内使用不到两天
last-two-users = 最近 { $days } 天内有两位不同的用户使用过
few-users = { $days } 天内使用过的用户不到两位
recent-users = 按最近使用时间加权后为 { FIGURE($users) } 位用户
activation = { PERCENT($share) } 的席位曾被使用
days-to-activation = 一半席位在 { $days } 天后启用
first-use = { $days } 天后首次使用
used-from-the-beginning = 从一开始就在使用
active-users-deviation = { $direction ->
        [below] 最近一个完整日的使用人数低于往常同一星期几的水平，偏差为平常波动的 { FIGURE($spreads) } 倍
        [above] 最近一个完整日的使用人数高于往常同一星期几的水平，偏差为平常波动的 { FIGURE($spreads) } 倍
       *[usual] 最近一个完整日的使用人数与往常同一星期几的水平相当
    }
usage-deviation = { $direction ->
        [below] 最近一个完整日的使用量低于往常同一星期几的水平，偏差为平常波动的 { FIGURE($spreads) } 倍
        [above] 最近一个完整日的使用量高于往常同一星期几的水平，偏差为平常波动的 { FIGURE($spreads) } 倍
       *[usual] 最近一个完整日的使用量与往常同一星期几的水平相当
    }

## 支持

open-tickets = { $tickets ->
        [0] 没有未解决的工单
       *[other] 有 { $tickets } 个工单未解决
    }
no-urgent-tickets = 没有未解决的紧急工单
open-urgent-tickets = 有 { $tickets } 个紧急工单未解决，{ $tickets ->
        [1] 已开
       *[other] 最久的已开
    }{ $oldest ->
        [0] 不到 1 天
       *[other] { " " }{ $oldest } 天
    }
tickets-opened = { $days } 天内{ $tickets ->
        [0] 没有新工单
       *[other] 新开 { $tickets } 个工单
    }
first-response = 半数工单在 { FIGURE($hours) } 小时内得到首次响应
first-response-promised = 半数工单在 { FIGURE($hours) } 小时内得到首次响应，承诺为 { FIGURE($promised) } 小时
resolution = 半数工单在 { FIGURE($hours) } 小时内解决
answered-in-time = { $days } 天内有 { PERCENT($share) } 的工单按时响应
resolved-in-time = { $days } 天内有 { PERCENT($share) } 的工单按时解决
ticket-csat = { $days } 天内工单满意度为 { FIGURE($points) } 分（满分 5 分）

## 客户之声

nps = { $days } 天内 NPS 为 { FIGURE($points) }（{ $answers } 份答复）
nps-answers = { $days } 天内{ $answers ->
        [0] 无人回答 NPS 调查
       *[other] 有 { $answers } 人回答了 NPS 调查
    }
survey-csat = { $days } 天内满意度为 { FIGURE($points) } 分（满分 5 分）

## 客户联系

touched-today = 今天已与客户联系
last-touch = 已有 { $days } 天未与客户联系
touch-overdue = 已有 { $days } 天未与客户联系，服务政策要求每 { $every } 天一次
touch-in-time = { $days ->
        [0] 今天已联系客户
       *[other] 上次联系客户是 { $days } 天前
    }，符合每 { $every } 天一次的要求
touches = { $days } 天内{ $touches ->
        [0] 没有与客户联系
       *[other] 与客户联系 { $touches } 次
    }
roles-met = { $days } 天内{ $roles ->
        [0] 没有见过客户的任何角色
       *[other] 见过客户的 { $roles } 种角色
    }
personas-covered = { $days } 天内见过客户已知角色的 { PERCENT($share) }
technical-leads = { $days } 天内{ $leads ->
        [0] 开发负责人和安全负责人都没有见过
        [1] 只见过开发负责人和安全负责人中的一位
       *[other] 开发负责人和安全负责人都见过
    }
people-touching = { $days } 天内{ $people ->
        [0] 我方没有人联系客户
       *[other] 我方有 { $people } 人联系过客户
    }

## 联系人与培训

contacts = { $contacts ->
        [0] 没有在职的联系人
       *[other] 有 { $contacts } 位在职的联系人
    }
champions = { $champions ->
        [0] 没有内部支持者
       *[other] 有 { $champions } 位内部支持者
    }
champions-left = { $days } 天内{ $champions ->
        [0] 没有内部支持者离职
       *[other] 有 { $champions } 位内部支持者离职
    }
courses-completed = { $courses ->
        [0] 没有完成的课程
       *[other] 完成了 { $courses } 门课程
    }
contacts-trained = { PERCENT($share) } 的联系人已接受培训
contacts-certified = { $people ->
        [0] 无人获得认证
       *[other] 有 { $people } 人获得认证
    }

## 成功计划、反馈与推荐

objectives-active = { $objectives ->
        [0] 没有进行中的目标
       *[other] 有 { $objectives } 个目标进行中
    }
objectives-overdue = { $objectives ->
        [0] 没有逾期的目标
       *[other] 有 { $objectives } 个目标逾期
    }
objectives-achieved = 已达成 { PERCENT($share) } 的目标
success-plan = { $state ->
        [active] 成功计划进行中
        [draft] 成功计划仍是草稿
       *[none] 没有成功计划
    }
feedback-open = { $items ->
        [0] 没有待答复的反馈
       *[other] 有 { $items } 条反馈待答复
    }
feedback-to-be-told = { $items ->
        [0] 没有已处理而未告知客户的反馈
       *[other] 有 { $items } 条反馈已处理但尚未告知客户
    }
advocacy-given = { $days } 天内{ $acts ->
        [0] 客户没有推荐过我们
       *[other] 客户推荐我们 { $acts } 次
    }
handovers-open = { $handovers ->
        [0] 没有进行中的交接
       *[other] 有 { $handovers } 项交接进行中
    }

## 发票

no-overdue-invoices = 没有逾期的发票
overdue-invoices = 有 { $invoices } 张发票逾期，{ $invoices ->
        [1] 已逾期
       *[other] 最久的已逾期
    } { $days } 天

## 客户时长与主观判断

tenure-days = 成为客户 { $days } 天
tenure-months = 成为客户 { FIGURE($months) } 个月
csm-sentiment = 客户成功经理的判断为{ $sentiment ->
        [red] 红色
        [yellow] 黄色
       *[green] 绿色
    }

## 自定义指标

custom-share = { $title }：{ PERCENT($share) }
custom-figure = { $title }：{ FIGURE($value) }

## 日期

renewal-ahead = { $days ->
        [0] 今天续约
       *[other] 距续约还有 { $days } 天
    }
renewal-passed = 续约日期已过 { $days } 天
go-live-ahead = { $days ->
        [0] 计划今天上线
       *[other] 计划 { $days } 天后上线
    }
go-live-passed = 计划上线日期已过 { $days } 天
live-since = 已上线 { $days } 天
contract-began = 首份合同已开始 { $days } 天
contract-begins = 首份合同将于 { $days } 天后开始
