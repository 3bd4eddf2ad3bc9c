package statefulset

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/statefulsim/statefulsim/sim/controller"
)

// The Events of S37, which begin with a capital (§0.4). Verbs are Create, Update and Delete.

func podNote(set *appsv1.StatefulSet, verb, pod string, err error) controller.Note {
	if err != nil {
		return warning(set, "Failed"+verb, verb+" Pod "+pod+" in StatefulSet "+set.Name+" failed error: "+err.Error())
	}
	return normal(set, "Successful"+verb, verb+" Pod "+pod+" in StatefulSet "+set.Name+" successful")
}

// claimNote is about the creation of a claim.
func claimNote(set *appsv1.StatefulSet, claim, pod string, err error) controller.Note {
	if err != nil {
		return warning(set, "FailedCreate", "Create Claim "+claim+" for Pod "+pod+" in StatefulSet "+set.Name+" failed error: "+err.Error())
	}
	return normal(set, "SuccessfulCreate", "Create Claim "+claim+" Pod "+pod+" in StatefulSet "+set.Name+" success")
}

func normal(set *appsv1.StatefulSet, reason, message string) controller.Note {
	return controller.Note{About: set, Type: corev1.EventTypeNormal, Reason: reason, Message: message}
}

func warning(set *appsv1.StatefulSet, reason, message string) controller.Note {
	return controller.Note{About: set, Type: corev1.EventTypeWarning, Reason: reason, Message: message}
}

func isConflict(err error) bool { return err != nil && apierrors.IsConflict(err) }
