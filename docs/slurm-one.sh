#!/usr/bin/env bash
# One run on one GPU: sbatch docs/slurm-one.sh NAME --preset default
# What follows the name are options of `cifar-tui train`. A minute before its time is up, the job is told to save and is
# put into the queue again, as often as it takes; so it is where SLURM preempts it with PreemptMode=REQUEUE.
#SBATCH --gpus=1
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@60
#SBATCH --requeue
#SBATCH --open-mode=append
cifar-tui train --headless --auto-resume --run-name "$@" &
run=$!
trap 'kill -USR1 "$run"' USR1

wait "$run"; code=$?
while kill -0 "$run" 2> /dev/null; do wait "$run"; code=$?; done  # a signal ends a wait
if [[ $code == 138 ]]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
