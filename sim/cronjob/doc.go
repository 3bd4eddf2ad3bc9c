// Package cronjob is the CronJob controller. It is for authors of clusters: a cluster of
// package sim has one.
//
// A CronJob makes a Job at each time of its schedule, named after the minute, so that no
// time makes two. It watches over those that still run, lets no two run side by side if
// it is told so, and deletes the oldest of those that have ended.
//
//	controller.go  what asks for a sync (W38), and what the controller remembers
//	sync.go        the course of a sync: Jobs that are there, and the one that is due (W39, W40)
//	schedule.go    when a Job is due, and how many times have been missed (W38)
//
// A schedule waits in the background: a cluster is at rest between two of its times, and
// Run takes it there.
//
// Rules held: W38–W40 (sim/RULES.md), of pkg/controller/cronjob.
//
// Deviation: upstream goes through the Jobs of a CronJob in an order that is nobody's;
// here it is that of their names. Schedules without a time zone are in UTC.
package cronjob
