// Package serviceaccount is the controller that gives every namespace its account
// "default" (pkg/controller/serviceaccount, ServiceAccountsController): it makes
// one when a namespace comes, and again when the account is deleted. Pods without
// an account of their own run with it, and wait for it.
//
// Left out: tokens in Secrets (TokensController); a pod's token comes from the
// volume that admission gives it.
package serviceaccount
