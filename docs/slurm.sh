#!/usr/bin/env bash
# One run on the GPUs of several machines: sbatch docs/slurm.sh --preset default --data /shared/cifar10-images
# What follows the script's name are options of `cifar-tui train`. The run is job-ID in runs/ of the folder where the
# first machine works. Two minutes before its time is up, or when it is preempted, the job is told to save and is put
# into the queue again; where it starts then, it goes on with the run, so let all machines see runs/.
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --time=01:00:00
#SBATCH --signal=B:USR1@120
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST")  # a line each; the first one leads
srun torchrun --nnodes "$SLURM_NNODES" --nproc-per-node "$SLURM_GPUS_ON_NODE" --max-restarts 3 \
    --rdzv-id "$SLURM_JOB_ID" --rdzv-backend c10d --rdzv-endpoint "${hosts%%$'\n'*}:${PORT:-29500}" \
    -m cifar_tui train --auto-resume --run-name "job-$SLURM_JOB_ID" "$@" &
step=$! warned=
trap 'warned=yes; kill -TERM "$step"' USR1  # torchrun knows TERM alone, and has one exit code for all that is not 0

code=0
wait "$step" || code=$?
while kill -0 "$step" 2> /dev/null; do code=0; wait "$step" || code=$?; done  # a signal ends a wait
if [[ $warned && $code != 0 ]]; then scontrol requeue "$SLURM_JOB_ID"; fi
exit "$code"
