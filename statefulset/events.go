package statefulset

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// The Events of S37, which begin with a capital (§0.4). Verbs are Create, Update and Delete.

func podNote(set *appsv1.StatefulSet, verb, pod string, err error) controller.Note {
	if err != nil {
		return warning(set, "Failed"+verb, fmt.Sprintf("%s Pod %s in StatefulSet %s failed error: %s", verb, pod, set.Name, err))
	}
	return normal(set, "Successful"+verb, fmt.Sprintf("%s Pod %s in StatefulSet %s successful", verb, pod, set.Name))
}

// claimNote is about the creation of a claim.
func claimNote(set *appsv1.StatefulSet, claim, pod string, err error) controller.Note {
	if err != nil {
		return warning(set, "FailedCreate", fmt.Sprintf("Create Claim %s for Pod %s in StatefulSet %s failed error: %s", claim, pod, set.Name, err))
	}
	return normal(set, "SuccessfulCreate", fmt.Sprintf("Create Claim %s Pod %s in StatefulSet %s success", claim, pod, set.Name))
}

func normal(set *appsv1.StatefulSet, reason, message string) controller.Note {
	return controller.Note{About: set, Type: corev1.EventTypeNormal, Reason: reason, Message: message}
}

func warning(set *appsv1.StatefulSet, reason, message string) controller.Note {
	return controller.Note{About: set, Type: corev1.EventTypeWarning, Reason: reason, Message: message}
}

func isConflict(err error) bool { return err != nil && apierrors.IsConflict(err) }
