package cronjob

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // the time zones are the same on every machine

	"github.com/robfig/cron/v3"
	batchv1 "k8s.io/api/batch/v1"
)

// padding is how much later than its time a CronJob is looked at (nextScheduleDelta).
const padding = 100 * time.Millisecond

// missed is how many times of a schedule have gone by without a Job.
type missed uint8

const (
	none missed = iota
	few
	many // more than a hundred
)

// Parse reads a schedule as upstream does: five fields or @hourly and the like, in front
// of them perhaps TZ=… (ParseCronScheduleWithPanicRecovery).
func Parse(text string) (schedule cron.Schedule, err error) {
	defer func() {
		if p := recover(); p != nil { // TZ=0
			schedule, err = nil, fmt.Errorf("invalid schedule format: %v", p)
		}
	}()
	return cron.ParseStandard(text)
}

// namesZone reports whether a schedule names its time zone itself, which is not supported,
// and obeyed.
func namesZone(cj *batchv1.CronJob) bool { return strings.Contains(cj.Spec.Schedule, "TZ") }

// written is the schedule with the time zone in front (formatSchedule).
func written(cj *batchv1.CronJob) string {
	if zone := cj.Spec.TimeZone; zone != nil && !namesZone(cj) {
		if _, err := time.LoadLocation(*zone); err == nil {
			return "TZ=" + *zone + " " + cj.Spec.Schedule
		}
	}
	return cj.Spec.Schedule
}

// recent returns from when on times count, the last time that has come since, or the zero
// time, and how many have (mostRecentScheduleTime). How many there were is an estimate,
// by the first two.
func recent(cj *batchv1.CronJob, now time.Time, s cron.Schedule, byDeadline bool) (since, last time.Time, count missed, err error) {
	since = cj.CreationTimestamp.Time
	if cj.Status.LastScheduleTime != nil {
		since = cj.Status.LastScheduleTime.Time
	}
	if d := cj.Spec.StartingDeadlineSeconds; byDeadline && d != nil {
		if deadline := now.Add(-time.Second * time.Duration(*d)); deadline.After(since) {
			since = deadline
		}
	}
	first := s.Next(since)
	second := s.Next(first)
	if now.Before(first) {
		return since, time.Time{}, none, nil
	}
	if now.Before(second) {
		return since, first, none, nil
	}
	// A day that no month has, the 31st of February, gives the zero time twice.
	interval := int64(second.Sub(first).Round(time.Second).Seconds())
	if interval < 1 {
		return since, time.Time{}, none, fmt.Errorf("time difference between two schedules is less than 1 second")
	}
	n := int64(now.Sub(first).Seconds())/interval + 1
	for t := s.Next(first.Add(time.Duration((n-2)*interval) * time.Second)); !t.After(now); t = s.Next(t) {
		last = t
	}
	switch {
	case n > 100:
		count = many
	case n > 0:
		count = few
	}
	return since, last, count, nil
}

// untilNext is how long it is to the time after the last one that has come
// (nextScheduleTimeDuration).
func untilNext(cj *batchv1.CronJob, now time.Time, s cron.Schedule) time.Duration {
	since, last, count, err := recent(cj, now, s, false)
	switch {
	case err != nil:
		last = now
	case last.IsZero() && count == none:
		last = since
	case last.IsZero():
		last = now
	}
	return s.Next(last).Add(padding).Sub(now)
}
