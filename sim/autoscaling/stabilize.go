package autoscaling

import (
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"

	"github.com/statefulsim/statefulsim/sim/engine"
)

// downscaleWindow is how long the most that was recommended counts on the way down
// (HorizontalPodAutoscalerDownscaleStabilizationWindow).
const downscaleWindow = 5 * time.Minute

// past is what was recommended and done lately. An entry that no longer counts has
// its place taken by a new one.
type past struct {
	advice    []change // replicas that were recommended
	ups, down []change // steps that were made, as positive numbers
}

// change is a number of replicas at a time.
type change struct {
	n     int32
	at    engine.Time `state:"incidental" why:"until says it"`
	until engine.Time `state:"deadline"` // when it counts no more
}

// record puts a change in the last place of those that are over, or at the end.
func record(list []change, isOver func(change) bool, c change) []change {
	place := len(list)
	for i := range list {
		if isOver(list[i]) {
			place = i
		}
	}
	if place == len(list) {
		return append(list, c)
	}
	list[place] = c
	return list
}

// limits are what a recommendation is held to.
type limits struct {
	behavior          *autoscalingv2.HorizontalPodAutoscalerBehavior
	least, most       int32
	current           int32
	now               engine.Time
	reason, message   string // of AbleToScale
	limited           bool
	limitReason, says string // of ScalingLimited
}

// normalize holds a recommendation to what is allowed (W15, normalizeDesiredReplicas
// and normalizeDesiredReplicasWithBehaviors).
func (p *past) normalize(l *limits, desired int32) int32 {
	var stable int32
	if l.behavior == nil {
		stable = p.highest(l.now, desired)
		l.reason, l.message = "ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation"
	} else {
		stable = p.stabilize(l, desired)
	}
	if stable == desired {
		l.reason, l.message = "ReadyForNewScale", "recommended size matches current size"
	}
	var n int32
	switch {
	case l.behavior == nil:
		n = l.simple(stable)
	default:
		n = p.limit(l, stable)
	}
	l.limited = n != stable
	return n
}

// highest is the most that was recommended within the window
// (stabilizeRecommendation).
func (p *past) highest(now engine.Time, desired int32) int32 {
	most, cutoff := desired, now.Add(-downscaleWindow)
	for _, c := range p.advice {
		if c.at >= cutoff {
			most = max(most, c.n)
		}
	}
	p.advice = record(p.advice, func(c change) bool { return c.at < cutoff }, change{desired, now, now.Add(downscaleWindow)})
	return most
}

// windows are the two of a behavior.
func windows(b *autoscalingv2.HorizontalPodAutoscalerBehavior) (up, down time.Duration) {
	down = downscaleWindow
	if s := b.ScaleUp.StabilizationWindowSeconds; s != nil {
		up = time.Duration(*s) * time.Second
	}
	if s := b.ScaleDown.StabilizationWindowSeconds; s != nil {
		down = time.Duration(*s) * time.Second
	}
	return up, down
}

// stabilize keeps a recommendation between the least and the most of the two windows
// (stabilizeRecommendationWithBehaviors).
func (p *past) stabilize(l *limits, desired int32) int32 {
	up, down := windows(l.behavior)
	low, high := desired, desired
	upCutoff, downCutoff := l.now.Add(-up), l.now.Add(-down)
	for _, c := range p.advice {
		if c.at > upCutoff {
			low = min(low, c.n)
		}
		if c.at > downCutoff {
			high = max(high, c.n)
		}
	}
	stable := min(max(l.current, low), high)
	p.advice = record(p.advice, func(c change) bool { return c.at < upCutoff && c.at < downCutoff }, change{desired, l.now, l.now.Add(max(up, down))})
	if desired >= l.current {
		l.reason, l.message = "ScaleUpStabilized", "recent recommendations were lower than current one, applying the lowest recent recommendation"
	} else {
		l.reason, l.message = "ScaleDownStabilized", "recent recommendations were higher than current one, applying the highest recent recommendation"
	}
	return stable
}

const (
	tooFast = "the desired replica count is increasing faster than the maximum scale rate"
	tooSlow = "the desired replica count is decreasing faster than the maximum scale rate"
	tooMany = "the desired replica count is more than the maximum replica count"
	tooFew  = "the desired replica count is less than the minimum replica count"
)

// within is the answer where nothing limits.
func (l *limits) within(n int32) int32 {
	l.limitReason, l.says = "DesiredWithinRange", "the desired count is within the acceptable range"
	return n
}

// simple holds to twice the replicas, or 4 (convertDesiredReplicasWithRules).
func (l *limits) simple(desired int32) int32 {
	step := int32(math.Max(2*float64(l.current), 4))
	switch most := min(l.most, step); {
	case desired < l.least:
		l.limitReason, l.says = "TooFewReplicas", tooFew
		return l.least
	case desired <= most:
		return l.within(desired)
	case l.most > step:
		l.limitReason, l.says = "ScaleUpLimit", tooFast
		return most
	default:
		l.limitReason, l.says = "TooManyReplicas", tooMany
		return most
	}
}

// limit holds to the policies (convertDesiredReplicasWithBehaviorRate).
func (p *past) limit(l *limits, desired int32) int32 {
	switch {
	case desired > l.current:
		step := max(p.upLimit(l), l.current)
		if desired <= min(l.most, step) {
			break
		}
		if l.limitReason, l.says = "TooManyReplicas", tooMany; l.most > step {
			l.limitReason, l.says = "ScaleUpLimit", tooFast
		}
		return min(l.most, step)
	case desired < l.current:
		step := min(p.downLimit(l), l.current)
		if desired >= max(l.least, step) {
			break
		}
		if l.limitReason, l.says = "TooFewReplicas", tooFew; l.least < step {
			l.limitReason, l.says = "ScaleDownLimit", tooSlow
		}
		return max(l.least, step)
	}
	return l.within(desired)
}

// began is how many replicas there were at the beginning of a policy's period.
func (p *past) began(l *limits, seconds int32) int32 {
	cutoff := l.now.Add(-time.Duration(seconds) * time.Second)
	sum := func(list []change) (n int32) {
		for _, c := range list {
			if c.at > cutoff {
				n += c.n
			}
		}
		return n
	}
	return l.current - sum(p.ups) + sum(p.down)
}

// upLimit is calculateScaleUpLimitWithScalingRules.
func (p *past) upLimit(l *limits) int32 {
	rules := l.behavior.ScaleUp
	result := int32(math.MinInt32)
	switch *rules.SelectPolicy {
	case autoscalingv2.DisabledPolicySelect:
		return l.current
	case autoscalingv2.MinChangePolicySelect:
		result = math.MaxInt32
	}
	for _, policy := range rules.Policies {
		n := p.began(l, policy.PeriodSeconds)
		if policy.Type == autoscalingv2.PodsScalingPolicy {
			n += policy.Value
		} else {
			n = int32(math.Ceil(float64(n) * (1 + float64(policy.Value)/100)))
		}
		if *rules.SelectPolicy == autoscalingv2.MinChangePolicySelect {
			result = min(result, n)
		} else {
			result = max(result, n)
		}
	}
	return result
}

// downLimit is calculateScaleDownLimitWithBehaviors.
func (p *past) downLimit(l *limits) int32 {
	rules := l.behavior.ScaleDown
	result := int32(math.MaxInt32)
	switch *rules.SelectPolicy {
	case autoscalingv2.DisabledPolicySelect:
		return l.current
	case autoscalingv2.MinChangePolicySelect:
		result = math.MinInt32
	}
	for _, policy := range rules.Policies {
		n := p.began(l, policy.PeriodSeconds)
		if policy.Type == autoscalingv2.PodsScalingPolicy {
			n -= policy.Value
		} else {
			n = int32(float64(n) * (1 - float64(policy.Value)/100))
		}
		if *rules.SelectPolicy == autoscalingv2.MinChangePolicySelect {
			result = max(result, n)
		} else {
			result = min(result, n)
		}
	}
	return result
}

// did remembers a step for the policies (storeScaleEvent).
func (p *past) did(behavior *autoscalingv2.HorizontalPodAutoscalerBehavior, now engine.Time, from, to int32) {
	if behavior == nil {
		return
	}
	list, rules, n := &p.ups, behavior.ScaleUp, to-from
	if to <= from {
		list, rules, n = &p.down, behavior.ScaleDown, from-to
	}
	var longest int32
	for _, policy := range rules.Policies {
		longest = max(longest, policy.PeriodSeconds)
	}
	span := time.Duration(longest) * time.Second
	*list = record(*list, func(c change) bool { return c.at < now.Add(-span) }, change{n, now, now.Add(span)})
}
