#!/bin/bash
# Builds the lab's disk image: Debian 12 as a new server looks. It has no storage packages, but an APT source of them
# on its own disk, so that a playbook installs them for real with the guest cut off from every network.
#
#   recipe.sh WORK plain|storage|zfs     writes WORK/disk.qcow2, WORK/key (for login), WORK/known_host
#
# The flavour `storage` has the storage packages installed and Debian's full kernel: modules are proven on it without
# waiting for the package manager and the generator of the initramfs each time. The flavour `zfs` has ZFS, whose kernel
# modules Debian ships as source only: they are compiled here, where the processor is not emulated.
#
# Needs neither loop devices nor mounts on this machine: mke2fs fills the file system, GRUB goes in front of it by hand.
# The guest boots through GRUB, so a reboot loads the kernel and the initramfs which the guest itself wrote.
set -euo pipefail

mirror=${HOLDFAST_LAB_MIRROR:-http://deb.debian.org/debian}
security=${HOLDFAST_LAB_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
root_uuid=5c1ab000-0000-4000-8000-00000000da7a
root_size=6G

# What a plain server has.
base=systemd-sysv,udev,dbus,openssh-server,sudo,iproute2,kmod,procps,fdisk,initramfs-tools,zstd
# What playbooks may install.
offered=(mdadm lvm2 thin-provisioning-tools xfsprogs btrfs-progs dosfstools parted gdisk cryptsetup f2fs-tools acl attr quota
    nfs-kernel-server nfs-common open-iscsi targetcli-fb multipath-tools samba cifs-utils rsync fio smartmontools)
kernel_plain=linux-image-cloud-amd64
# f2fs and nilfs2 are in the full kernel only.
kernel_storage=linux-image-amd64
installed_storage=mdadm,lvm2,thin-provisioning-tools,xfsprogs,btrfs-progs,dosfstools,f2fs-tools,nilfs-tools,parted,gdisk
installed_storage+=,cryptsetup-bin,cryptsetup,cryptsetup-initramfs,acl,attr,quota,nfs-kernel-server,nfs-common
kernel_zfs=linux-image-cloud-amd64
installed_zfs=zfsutils-linux,xfsprogs,gdisk,parted

# Compiles the kernel modules of ZFS in the new system's root, and leaves neither the source nor a compiler there.
compile_zfs() {
    local root=$1 kernel dir before
    kernel=$(ls "$root/lib/modules")
    before=$(chroot "$root" dpkg-query --show --showformat '${Package}\n' | sort)
    # Headers first: the package compiles for the kernels whose headers it finds.
    chroot "$root" apt-get install -y -q "linux-headers-$kernel"
    chroot "$root" apt-get install -y -q zfs-dkms
    dir=lib/modules/$kernel/extra
    install -d "$root/$dir"
    cp "$root/lib/modules/$kernel"/updates/dkms/*.ko* "$root/$dir/"
    # Taking the package away takes its modules away; the copies stay.
    chroot "$root" dpkg-query --show --showformat '${Package}\n' | sort | comm -13 <(echo "$before") - \
        | xargs chroot "$root" apt-get purge -y -q
    chroot "$root" depmod "$kernel"
    chroot "$root" modinfo -k "$kernel" zfs > /dev/null
    chroot "$root" zgenhostid -f
    chroot "$root" systemctl mask zfs-zed.service
}

# Runs in the new system's root (as a mmdebstrap hook) once its packages are installed.
furnish() {
    local root=$1 work=$2 flavour=$3
    if [ "$flavour" = zfs ]; then compile_zfs "$root"; fi
    install -d -m 700 "$root/root/.ssh"
    for user in holdfast operator; do
        chroot "$root" useradd --create-home --gid users --shell /bin/bash "$user"
        install -d -m 700 "$root/home/$user/.ssh"
    done
    for home in root home/holdfast home/operator; do install -m 600 "$work/key.pub" "$root/$home/.ssh/authorized_keys"; done
    for user in holdfast operator; do chroot "$root" chown -R "$user:users" "/home/$user/.ssh"; done
    echo operator:operator | chroot "$root" chpasswd
    echo 'holdfast ALL=(ALL) NOPASSWD: ALL' > "$root/etc/sudoers.d/holdfast"
    echo 'operator ALL=(ALL) ALL' > "$root/etc/sudoers.d/operator"
    chmod 440 "$root"/etc/sudoers.d/{holdfast,operator}

    rm -f "$root"/etc/ssh/ssh_host_*
    install -m 600 "$work/host_key" "$root/etc/ssh/ssh_host_ed25519_key"
    install -m 644 "$work/host_key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
    printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'PermitRootLogin prohibit-password' 'UseDNS no' \
        'KexAlgorithms curve25519-sha256' \
        > "$root/etc/ssh/sshd_config.d/lab.conf"

    echo lab > "$root/etc/hostname"
    printf '127.0.0.1\tlocalhost\n127.0.1.1\tlab\n' > "$root/etc/hosts"
    echo "UUID=$root_uuid / ext4 errors=remount-ro 0 1" > "$root/etc/fstab"
    printf '%s\n' '[Match]' 'Name=eth0' '[Network]' 'Address=10.0.2.15/24' 'LinkLocalAddressing=no' 'IPv6AcceptRA=no' \
        > "$root/etc/systemd/network/10-control.network"
    chroot "$root" systemctl enable systemd-networkd.service
    # A resumed machine's clock jumps; nothing may start because of it.
    chroot "$root" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer \
        e2scrub_all.timer logrotate.timer systemd-tmpfiles-clean.timer e2scrub_reap.service

    # Only what this machine needs to find its root: rebuilding the initramfs is slow on an emulated processor.
    sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
    echo 'COMPRESSLEVEL=1' >> "$root/etc/initramfs-tools/initramfs.conf"
    printf '%s\n' virtio_pci virtio_blk ext4 >> "$root/etc/initramfs-tools/modules"
    chroot "$root" update-initramfs -u
    [[ $flavour != storage ]] || shorten_initramfs "$root"
    install -d "$root/boot/grub"
    # no_timer_check: on a busy host an emulated timer's first ticks can be late, and the kernel would panic.
    printf '%s\n' 'set root=(hd0,msdos1)' \
        "linux /vmlinuz root=UUID=$root_uuid ro console=ttyS0 net.ifnames=0 mitigations=off no_timer_check quiet" \
        'initrd /initrd.img' 'boot' > "$root/boot/grub/grub.cfg"

    printf '%s\n' 'APT::Install-Recommends "false";' 'Acquire::Languages "none";' > "$root/etc/apt/apt.conf.d/90lab"
    offer_packages "$root"
}

# Debian's generator takes minutes on an emulated processor. This one puts the configuration of today behind the
# initramfs that Debian's made: of archives that follow each other the kernel takes the last one's file.
shorten_initramfs() {
    local root=$1 program=/usr/sbin/update-initramfs
    chroot "$root" dpkg-divert --local --rename --add "$program"
    cat > "$root$program" << 'PROGRAM'
#!/bin/sh
set -e
cd /
for image in /boot/initrd.img-*[!w]; do
    made=/var/lib/initramfs-made/${image##*/}
    [ -e "$made" ] || { mkdir -p "${made%/*}"; cp "$image" "$made"; truncate -s %4 "$made"; }
    cp "$made" "$image.new"
    find etc/mdadm/mdadm.conf etc/lvm etc/crypttab etc/modprobe.d -type f | cpio --quiet -o -H newc >> "$image.new"
    sync "$image.new"
    mv "$image.new" "$image"
done
PROGRAM
    chmod 755 "$root$program"
    chroot "$root" "$program" -u
}

# Puts the offered packages and all they need on the disk, as an APT source.
offer_packages() {
    local root=$1 store=/var/cache/holdfast-debs deb
    chroot "$root" apt-get install -y -q --download-only "${offered[@]}"
    install -d "$root$store"
    mv "$root"/var/cache/apt/archives/*.deb "$root$store/"
    for deb in "$root$store"/*.deb; do
        chroot "$root" dpkg-deb --field "$store/${deb##*/}"
        printf 'Filename: ./%s\nSize: %s\nSHA256: %s\n\n' "${deb##*/}" "$(stat -c %s "$deb")" \
            "$(sha256sum "$deb" | cut -d' ' -f1)"
    done > "$root$store/Packages"
    printf 'Date: %s\nSHA256:\n %s %s Packages\n' "$(date --utc --rfc-email)" \
        "$(sha256sum "$root$store/Packages" | cut -d' ' -f1)" "$(stat -c %s "$root$store/Packages")" \
        > "$root$store/Release"
    rm -rf "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
    echo "deb [trusted=yes] file:$store ./" > "$root/etc/apt/sources.list"
    chroot "$root" apt-get update
}

if [ "$1" = furnish ]; then
    furnish "$2" "$3" "$4"
    exit
fi

work=$1 flavour=$2 components=main
case $flavour in
    plain) include=$base,$kernel_plain ;;
    storage) include=$base,$kernel_storage,$installed_storage ;;
    # Licences that do not go together keep ZFS out of `main`.
    zfs) include=$base,$kernel_zfs,$installed_zfs components='main contrib' ;;
    *) echo "there is no flavour $flavour" >&2; exit 2 ;;
esac
cd "$work"
ssh-keygen -q -t ed25519 -N '' -C holdfast-lab -f key
ssh-keygen -q -t ed25519 -N '' -C lab -f host_key
cut -d' ' -f1,2 host_key.pub > known_host

echo 'installing Debian 12'
mmdebstrap --variant=minbase --include="$include" \
    --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --skip=cleanup/apt,cleanup/reproducible --customize-hook="bash '$work/recipe.sh' furnish \"\$1\" '$work' $flavour" \
    bookworm root.tar "deb $mirror bookworm $components" "deb $mirror bookworm-updates $components" \
    "deb $security bookworm-security $components"

echo 'writing the disk'
truncate -s "$root_size" disk.raw
echo '2048,,L,*' | sfdisk --quiet disk.raw
grub-mkimage -O i386-pc -o core.img -p '(hd0,msdos1)/boot/grub' biosdisk part_msdos ext2 normal linux configfile boot
dd if=/usr/lib/grub/i386-pc/boot.img of=disk.raw bs=440 count=1 conv=notrunc status=none
dd if=core.img of=disk.raw bs=512 seek=1 conv=notrunc status=none
# As an ordinary user the files' owners exist only in mmdebstrap's user namespace. GRUB 2.06 reads no newer ext4 features.
as_root=(); [ "$(id -u)" = 0 ] || as_root=(mmdebstrap --unshare-helper)
"${as_root[@]}" bash -euc '
    mkdir tree && tar -C tree -xf root.tar
    mke2fs -q -t ext4 -U "$1" -d tree -E offset=1048576 \
        -O none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file,dir_nlink,extra_isize,metadata_csum \
        disk.raw "$(( ($(stat -c %s disk.raw) - 1048576) / 1024 ))k"
    rm -rf tree root.tar' - "$root_uuid"
qemu-img convert -O qcow2 disk.raw disk.qcow2
rm -f disk.raw core.img host_key host_key.pub
